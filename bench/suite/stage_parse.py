"""Reading the body of a callback."""
from measure import figure, interleave, ratios
from programs import google_benchmark

TITLE = "Parsing, 200 ids"
# Short turns, and many: a shared machine is faster and slower by the second.
TURN, TURNS_OF_A_PAIR = 0.1, 5
PEERS = {"rapidjson_in_situ": ("RapidJSON in place (SAX)", 3), "simdjson_on_demand":
         ("simdjson On-Demand", None)}


def run(bench):
    program = bench.programs.bench("parser_bench")

    def sample(name):
        return lambda: google_benchmark(program, "^%s/200$" % name, TURN).get(name + "/200")

    peers = [name for name in PEERS if sample(name)()]
    results = interleave({name: sample(name) for name in ["ours"] + peers},
                         bench.pairs * TURNS_OF_A_PAIR)
    time = {name: [entry["cpu_time"] for entry in results[name]] for name in results}
    for name in peers:
        label, target = PEERS[name]
        yield figure("speed against " + label, ratios(time[name], time["ours"]), at_least=target,
                     ours={"name": "our parser", "ns": time["ours"]},
                     peer={"name": label, "ns": time[name]})
    yield figure("bytes a second", [entry["bytes_per_second"] / 1e9 for entry in results["ours"]],
                 at_least=1.5, unit="GB/s")
    yield figure("allocations", [entry["allocations"] for entry in results["ours"]], at_most=0)
