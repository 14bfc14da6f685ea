// Sends a callback with Node's fetch, every five seconds; writes how many were accepted.
const [url, count] = process.argv.slice(2);
let accepted = 0;
for (let number = 0; number < count; ++number) {
  if (number > 0) await new Promise((resume) => setTimeout(resume, 5200));
  const answer = await fetch(url, {method: 'POST', body: JSON.stringify({object_ids: [number]})});
  await answer.arrayBuffer();
  if (answer.status === 202) ++accepted;
}
console.log(accepted);
