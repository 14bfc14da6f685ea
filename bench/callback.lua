-- For wrk: POSTs one callback with IDS ids (100 unless the environment says otherwise), PIPELINED of
-- them at once (1).
local count = tonumber(os.getenv("IDS") or "100")
local ids = {}
-- In no order, as senders have them.
for i = 1, count do ids[i] = tostring(1000000 + i * 611953 % 1000000) end
wrk.method = "POST"
wrk.path = "/callback"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"object_ids":[' .. table.concat(ids, ",") .. "]}"

local pipelined = tonumber(os.getenv("PIPELINED") or "1")
local requests
function init()
  requests = string.rep(wrk.format(), pipelined)
end
function request()
  return requests
end
