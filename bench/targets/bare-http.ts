/**
 * Floor for cached requests without any framework: `node:http`. It collects the body, parses it, finds the answer of that feed
 * (written at the start) in a map, and sends it with type and length. Nothing is validated, counted or aged. Answers are text, which
 * leaves in one write with the headers, and those are a list, which Node.js looks through faster than an object.
 */
import { createServer } from 'node:http'
import { answerTo, feeds, type Question, sampleTick } from '../feeds'
import { argument, portOf, reportListening } from './control'

/** All of it ASCII, so that characters are bytes. */
const answers = new Map<string, string>()
for (const base of feeds(Number(argument('feeds'))))
  answers.set(`${base}/USD`, JSON.stringify(answerTo(sampleTick(base))))

const TYPE = 'application/json; charset=utf-8'

const server = createServer((req, res) => {
  let body: Buffer | undefined
  req.on('data', (chunk: Buffer) => (body = body === undefined ? chunk : Buffer.concat([body, chunk])))
  req.on('end', () => {
    const { data } = JSON.parse((body ?? '').toString()) as Question
    const answer = answers.get(`${data.base}/${data.quote}`)
    if (answer === undefined) return void res.writeHead(504).end()
    res.writeHead(200, ['content-type', TYPE, 'content-length', answer.length])
    res.end(answer, 'latin1')
  })
})
server.listen(0, '127.0.0.1', () => reportListening(portOf(server)))
