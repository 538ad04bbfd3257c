/** The events of a stream at an address, as `{ id, told }`; those after an event, where its ID is given. */
export async function* eventsOf(url, after) {
  const headers = after === undefined ? {} : { "last-event-id": after };
  const response = await fetch(url, { headers });
  if (!response.ok) throw new Error(`${url} answers ${response.status} ${await response.text()}`);
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of response.body) {
    const parts = (rest + decoder.decode(piece, { stream: true })).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const data = /^data: (.*)$/m.exec(part)?.[1];
      if (data !== undefined) yield { id: /^id: (.*)$/m.exec(part)?.[1], told: JSON.parse(data) };
    }
  }
}
