/**
 * Floor for cached requests without any framework: `node:http`. It collects the body, parses it, finds the answer of that feed
 * (bytes made at the start) in a map, and sends it with type and length. Nothing is validated, counted or aged.
 */
import { createServer } from 'node:http'
import { answerTo, feeds, type Question, sampleTick } from '../feeds'
import { argument, portOf, reportListening } from './control'

const answers = new Map<string, Buffer>()
for (const base of feeds(Number(argument('feeds'))))
  answers.set(`${base}/USD`, Buffer.from(JSON.stringify(answerTo(sampleTick(base)))))

const server = createServer((req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    const { data } = JSON.parse(Buffer.concat(chunks).toString()) as Question
    const answer = answers.get(`${data.base}/${data.quote}`)
    if (answer === undefined) return void res.writeHead(504).end()
    res.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': answer.length,
    })
    res.end(answer)
  })
})
server.listen(0, '127.0.0.1', () => reportListening(portOf(server)))
