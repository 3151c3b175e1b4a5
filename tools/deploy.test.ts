/** The files for containers and service managers name what is there: settings, commands, addresses. */
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { commands } from '../server/src/cli.ts'
import { settings } from '../server/src/config.ts'
import { textOf } from './tree.ts'

const SETTINGS = new Set<string>(Object.values(settings).map(({ env }) => env))
const COMMANDS = new Set(commands().commands.map((command) => command.name()))
/** Read by Node, and by PostgreSQL's image. */
const OTHERS = /^(NODE_ENV|POSTGRES_\w+)$/

const unknown = (names: readonly string[]) => names.filter((name) => !SETTINGS.has(name) && !OTHERS.test(name))

interface Compose {
  readonly services: Record<string, { readonly command?: string; readonly environment?: Record<string, string> }>
}
interface Kubernetes {
  readonly kind: string
  readonly spec: {
    readonly template?: { readonly spec: { readonly containers: readonly Container[] } }
  }
}
interface Container {
  readonly args: readonly string[]
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: number }
}

describe('deployment', () => {
  test('the image runs a command that exists, under settings that exist, as nobody special', () => {
    const dockerfile = textOf('Dockerfile')
    const [, environment = ''] = /^ENV (.*)$/m.exec(dockerfile) ?? []
    expect(unknown(environment.split(' ').map((pair) => pair.split('=')[0] ?? ''))).toEqual([])
    const [, command] = /^CMD \["(\w+)"\]$/m.exec(dockerfile) ?? []
    expect(COMMANDS).toContain(command)
    expect(dockerfile).toMatch(/^USER node$/m)
  })

  test('compose starts commands that exist, under settings that exist', () => {
    const { services } = parse(textOf('compose.yaml'), { merge: true }) as Compose
    const given = Object.values(services).flatMap(({ environment }) => Object.keys(environment ?? {}))
    expect(given).toContain('DATABASE_URL')
    expect(unknown(given)).toEqual([])
    const started = Object.values(services).flatMap(({ command }) => command ?? [])
    expect(started).toEqual(['serve', 'worker'])
    for (const command of started) expect(COMMANDS).toContain(command)
  })

  test('the service unit starts a command that exists, under settings that exist', () => {
    const unit = textOf('deploy/millrace.service')
    const [, environment = ''] = /^Environment=(.*)$/m.exec(unit) ?? []
    expect(unknown(environment.split(' ').map((pair) => pair.split('=')[0] ?? ''))).toEqual([])
    const [, command] = /^ExecStart=\S+ millrace (\w+)/m.exec(unit) ?? []
    expect(COMMANDS).toContain(command)
  })

  test('the cluster asks for health where the server tells it', () => {
    const documents = parseAllDocuments(textOf('deploy/kubernetes.yaml')).map((one) => one.toJS() as Kubernetes)
    const containers = documents.flatMap(({ spec }) => spec.template?.spec.containers ?? [])
    expect(containers.flatMap(({ args }) => args)).toEqual(['serve', 'worker'])
    const probes = containers.flatMap(({ readinessProbe, livenessProbe }) => [readinessProbe, livenessProbe])
    const paths = probes.flatMap((probe) => probe?.httpGet.path ?? [])
    const reference = textOf('docs/reference/http.md')
    expect(paths).toEqual(['/health/ready', '/health/live'])
    for (const path of paths) expect(reference).toContain(path)
  })
})
