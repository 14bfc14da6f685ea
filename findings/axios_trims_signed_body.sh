#!/usr/bin/env bash
# axios 1.21.1: a body given as a string is changed before it is sent, if it is sent as JSON.
#
# With `Content-Type: application/json` a string that parses as JSON loses the white space around
# it, and one that does not is sent as a JSON string, in quotes. A signature that the sender made
# over the string it passed in then does not fit what arrives: a file that ends with a line feed is
# enough. A Buffer goes as it is. Advice for senders that sign: pass a Buffer.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
npm_packages axios@1.21.1
cat >"$work/send.mjs" <<'JS'
import axios from 'axios';
import { createHmac } from 'node:crypto';
import http from 'node:http';

const sign = (body) => createHmac('sha256', 'a secret for this test only').update(body).digest('hex');
const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    console.log(request.headers['x-kind'], sign(body) === request.headers['x-signature'],
                JSON.stringify(body.toString()));
    response.end();
  });
});
server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}/`;
  const text = '{"object_ids": [1, 2]}\n';
  for (const [kind, body] of [['string', text], ['buffer', Buffer.from(text)]]) {
    await axios.post(url, body, { headers: {
      'Content-Type': 'application/json', 'X-Kind': kind, 'X-Signature': sign(text) } });
  }
  server.close();
  server.closeAllConnections();
});
JS
seen=$(cd "$work" && node send.mjs)
echo "$seen"
grep -q '^string false "{\\"object_ids\\": \[1, 2\]}"$' <<<"$seen" || changed "the string is sent as it is"
grep -q '^buffer true ' <<<"$seen" || changed "the buffer is changed, too"
