import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { settingSections } from '../../scripts/env-example'
import { BaseSettingsDefinition } from '../../src/config/base-settings'
import { JOB } from '../../scripts/monitoring/names'
import { read, root } from '../helpers/repository'

interface Service {
  image?: string
  user?: string
  ports?: string[]
  volumes?: string[]
  build?: string
  environment?: Record<string, string>
  healthcheck?: { test: string[] }
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
  restart?: string
  stop_grace_period?: string
  profiles?: string[]
}

const composeText = read('docker-compose.yml')
const compose = parse(composeText) as { services: Record<string, Service> }
const services = Object.entries(compose.services)

/** Instructions of the Dockerfile: comments gone, continued lines joined. */
const instructions = read('Dockerfile')
  .replace(/^\s*#.*\n/gm, '')
  .replace(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line !== '')
const argumentsOf = (instruction: string): string[] =>
  instructions
    .filter((line) => line.startsWith(`${instruction} `))
    .map((line) => line.slice(instruction.length + 1))
const stages = argumentsOf('FROM')
const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')))

/** A tag that begins with a version: no tag at all and `latest` both mean another image every week. */
const pinned = /^[\w./-]+:v?\d+\.\d+/

/** Variables that belong to Node.js, not to the settings. */
const runtimeVariables = new Set(['NODE_ENV'])

async function unknownVariables(names: Iterable<string>): Promise<string[]> {
  const sections = await settingSections()
  const known = new Set(sections.flatMap(({ rows }) => rows.map(({ name }) => name)))
  for (const { prefix } of sections) {
    if (prefix) for (const name of Object.keys(BaseSettingsDefinition)) known.add(`${prefix}_${name}`)
  }
  return [...names].filter((name) => !known.has(name) && !runtimeVariables.has(name))
}

describe('the Dockerfile', () => {
  it('pins its images to a version', () => {
    expect(stages.length).toBeGreaterThan(1)
    for (const stage of stages) expect(stage).toMatch(pinned)
  })

  it('sets no variable that is not a setting', async () => {
    const names = [...argumentsOf('ENV'), ...argumentsOf('ARG')].map((text) => text.split('=')[0] ?? '')
    expect(await unknownVariables(names)).toEqual([])
  })

  it('runs as a user who is not root', () => {
    const users = lastStage.filter((line) => line.startsWith('USER '))
    expect(users).toEqual(['USER node'])
    expect(lastStage.indexOf('USER node')).toBeLessThan(
      lastStage.findIndex((line) => line.startsWith('CMD ')),
    )
  })

  it('starts the service, and checks its health, without a shell', () => {
    const [check] = lastStage.filter((line) => line.startsWith('HEALTHCHECK '))
    expect(JSON.parse(check?.split(' CMD ')[1] ?? '')).toEqual(['node', 'lib/cli/healthcheck.js'])
    expect(JSON.parse(argumentsOf('CMD').join())).toEqual(['node', 'lib/service/main.js'])
  })

  it('has no packages of formats in which no price travels', () => {
    expect(instructions).toContain('RUN npm ci --omit=dev --no-audit --no-fund')
    const manifest = JSON.parse(read('package.json')) as { peerDependencies: Record<string, string> }
    const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { dev?: boolean }> }
    const peers = Object.keys(manifest.peerDependencies)
    expect(peers).toEqual(['@napi-rs/lzma', 'avsc', 'lz4-napi'])
    for (const name of peers) expect(lock.packages[`node_modules/${name}`]?.dev, name).toBe(true)
  })

  it('says which ports the service has', () => {
    const { EA_PORT, METRICS_PORT } = BaseSettingsDefinition
    expect(argumentsOf('EXPOSE')).toEqual([`${EA_PORT.default} ${METRICS_PORT.default}`])
  })

  it('copies nothing that .dockerignore leaves out', () => {
    const ignore = read('.dockerignore').split('\n')
    const copied = argumentsOf('COPY')
      .filter((text) => !text.startsWith('--from='))
      .flatMap((text) => text.split(' ').slice(0, -1))
      .map((path) => `!${path}`)
    expect(ignore).toContain('*')
    expect(ignore).toEqual(expect.arrayContaining(copied))
  })
})

describe('docker-compose.yml', () => {
  it('has the service alone by default, Redis, and Prometheus with Grafana, by profile', () => {
    const profiles = services.map(([name, { profiles }]) => [name, profiles])
    expect(profiles).toEqual([
      ['tickwell', undefined],
      ['redis', ['redis']],
      ['prometheus', ['metrics']],
      ['grafana', ['metrics']],
    ])
  })

  it('sets and asks for no variable that is not a setting', async () => {
    const asked = [...composeText.matchAll(/\$\{(\w+)/g)].map(([, name]) => name ?? '')
    expect(asked).toContain('EA_PORT')
    expect(await unknownVariables(asked)).toEqual([])
    const set = Object.keys(compose.services['tickwell']?.environment ?? {})
    expect(await unknownVariables(set)).toEqual([])
  })

  it.each(services)('pins the image of %s', (_name, { image, build }) => {
    if (image === undefined) expect(build).toBe('.')
    else expect(image).toMatch(pinned)
  })

  it.each(services)('gives %s no more than it needs', (_name, service) => {
    expect(service.read_only).toBe(true)
    expect(service.cap_drop).toEqual(['ALL'])
    expect(service.security_opt).toEqual(['no-new-privileges:true'])
  })

  it.each(services)('watches %s, restarts it, and lets it finish', (_name, service) => {
    expect(service.healthcheck?.test[0]).toBe('CMD')
    expect(service.restart).toBe('unless-stopped')
    expect(service.stop_grace_period).toMatch(/^\d+s$/)
  })

  it('runs nothing as root, and shows what it adds to nobody outside', () => {
    const added = services.filter(([, { build }]) => build === undefined)
    expect(added.map(([name, { user }]) => [name, user])).toEqual([
      ['redis', 'redis'],
      ['prometheus', 'nobody'],
      ['grafana', '472'],
    ])
    for (const [, { ports = [] }] of added) for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
  })

  it('mounts files that there are, read-only', () => {
    const files = services
      .flatMap(([, { volumes = [] }]) => volumes)
      .filter((volume) => volume.startsWith('.'))
      .map((volume) => volume.split(':'))
    expect(files.length).toBeGreaterThan(3)
    for (const [file = '', , mode] of files) {
      expect(existsSync(join(root, file)), file).toBe(true)
      expect(mode).toBe('ro')
    }
  })

  it('has no password of Grafana: nobody can log in, and whoever looks changes nothing', () => {
    expect(compose.services['grafana']?.environment).toMatchObject({
      GF_AUTH_ANONYMOUS_ENABLED: 'true',
      GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
      GF_AUTH_BASIC_ENABLED: 'false',
      GF_AUTH_DISABLE_LOGIN_FORM: 'true',
      GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: 'true',
    })
    expect(composeText).not.toContain('PASSWORD')
  })

  it('holds no value of a secret', async () => {
    const secrets = (await settingSections())
      .flatMap(({ rows }) => rows.filter(({ sensitive }) => sensitive))
      .map(({ name }) => name)
    expect(secrets.filter((name) => composeText.includes(name))).toEqual([])
  })
})

describe('deploy/prometheus.yml', () => {
  it('scrapes the metrics of the service where it serves them by default, under the name that alerts know', () => {
    const { scrape_configs: jobs, rule_files: rules } = parse(read('deploy/prometheus.yml')) as {
      scrape_configs: {
        job_name: string
        metrics_path: string
        static_configs: { targets: string[] }[]
      }[]
      rule_files: string[]
    }
    const target = `tickwell:${BaseSettingsDefinition.METRICS_PORT.default}`
    expect(jobs.map((job) => [job.job_name, job.metrics_path, job.static_configs])).toEqual([
      [JOB, '/metrics', [{ targets: [target] }]],
    ])
    expect(rules).toEqual(['alerts.yml'])
    expect(compose.services['prometheus']?.volumes).toContain(
      './deploy/alerts.yml:/etc/prometheus/alerts.yml:ro',
    )
  })
})

describe('deploy/grafana', () => {
  it('has Prometheus as the source, and the board', () => {
    const { datasources } = parse(read('deploy/grafana/datasources.yml')) as { datasources: object[] }
    expect(datasources).toMatchObject([
      { type: 'prometheus', url: 'http://prometheus:9090', isDefault: true },
    ])
    const { providers } = parse(read('deploy/grafana/dashboards.yml')) as {
      providers: { type: string; options: { path: string } }[]
    }
    expect(providers.map(({ type, options }) => [type, options.path])).toEqual([['file', '/etc/tickwell']])
    expect(compose.services['grafana']?.volumes).toContain('./deploy/board.json:/etc/tickwell/board.json:ro')
  })
})
