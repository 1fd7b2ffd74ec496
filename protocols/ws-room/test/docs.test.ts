import { describe, expect, it } from 'vitest'
import { config } from '../adapters/ws-room/config'
import { filesBelow, read } from '../../../test/helpers/repository'

const page = read('protocols/ws-room/README.md')
const source = filesBelow('protocols/ws-room', /\.ts$/).map(read).join('\n')

describe('the documents of the room', () => {
  it('have every setting of the ready adapter', () => {
    const readme = read('protocols/ws-room/adapters/ws-room/README.md')
    const settings = Object.keys(config.settingsDefinition).map((name) => `\`WS_ROOM_${name}\``)
    expect(settings.filter((name) => !readme.includes(name))).toEqual([])
  })

  it('have every option of the transport', () => {
    const [, options = ''] = /interface WsRoomOptions \{(.+?)\n\}/s.exec(source) ?? []
    const names = [...options.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name!)
    expect(names.length).toBeGreaterThan(10)
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
  })

  it('have every cause of failure, and every reason of refusal', () => {
    const [, codes = ''] = /const CODES = \{(.+?)\n\}/s.exec(source) ?? []
    const failures = [...codes.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code!)
    const unions = ['FrameFault', 'PublishFault'].map(
      (name) => new RegExp(`type ${name} =([^=]+?)\n\n`).exec(source)?.[1],
    )
    const problems = ['ChainProblem', 'PriceProblem'].map(
      (name) => new RegExp(`type ${name} =([^=]+?)\n\n`).exec(source)?.[1],
    )
    const quoted = (text = '') => [...text.matchAll(/'([a-z-]+)'/g)].map(([, name]) => name!)
    const reasons = [...unions.flatMap(quoted), ...problems.flatMap(quoted).map((name) => `price-${name}`)]
    expect([failures.length > 5, reasons.length > 15]).toEqual([true, true])
    expect([...failures, ...reasons, 'sequence-gap'].filter((name) => !page.includes(`\`${name}\``))).toEqual(
      [],
    )
  })
})
