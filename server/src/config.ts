/**
 * Every setting: its name, the variable it is read from, its default and a
 * sentence.  `docs/reference/settings.md` is made from this list.
 */
import { Refusal } from '@millrace/engine'
import { LEVELS, type Level } from './http/log-levels.ts'

interface Setting<T> {
  readonly env: string
  readonly sentence: string
  /** What is shown as the default. */
  readonly otherwise: string
  /** Is shown nowhere. */
  readonly secret?: boolean
  readonly read: (text: string | undefined) => T
}

const text = (otherwise: string) => (given: string | undefined) => given || otherwise
const optional = (given: string | undefined) => given || undefined
const whole = (env: string, otherwise: number, least: number, most: number) => (given: string | undefined) => {
  if (given === undefined || given === '') return otherwise
  const value = Number(given)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Refusal(
      'INVALID_SETTING',
      `${env} is ${JSON.stringify(given.slice(0, 40))}; it must be a whole number from ${least} to ${most}.`,
      {
        remedy: `Set ${env} to such a number, or leave it out for ${otherwise}.`,
      },
    )
  }
  return value
}

const key = (env: string, name: string) => ({
  env,
  otherwise: 'none',
  sentence: `Key of ${name}, sent to it in a header and nowhere else.`,
  secret: true,
  read: optional,
})
const address = (env: string, name: string, otherwise: string) => ({
  env,
  otherwise,
  sentence: `Base URL of ${name}, for a proxy or a server of your own.`,
  read: optional,
})
const list = (given: string | undefined) =>
  given
    ?.split(',')
    .map((name) => name.trim())
    .filter(Boolean)

const onOrOff = (env: string, otherwise: boolean) => (given: string | undefined) => {
  if (given === undefined || given === '') return otherwise
  if (given === 'on' || given === 'off') return given === 'on'
  throw new Refusal('INVALID_SETTING', `${env} is ${JSON.stringify(given.slice(0, 40))}; it must be on or off.`, {
    remedy: `Set ${env} to on or off, or leave it out for ${otherwise ? 'on' : 'off'}.`,
  })
}

export const settings = {
  folder: {
    env: 'MILLRACE_FOLDER',
    otherwise: '.millrace',
    sentence: 'Folder for all that is ours: the embedded database, its log and its password.',
    read: text('.millrace'),
  },
  databaseUrl: {
    env: 'DATABASE_URL',
    otherwise: 'an embedded PostgreSQL in the folder',
    sentence:
      'Owner of a PostgreSQL database, version 15 or newer; used for migrations, and for making the two restricted logins.',
    secret: true,
    read: optional,
  },
  apiDatabaseUrl: {
    env: 'API_DATABASE_URL',
    otherwise: 'made from DATABASE_URL',
    sentence: 'The login `millrace_api`, where the owner must not be known to the program.',
    secret: true,
    read: optional,
  },
  workerDatabaseUrl: {
    env: 'WORKER_DATABASE_URL',
    otherwise: 'made from DATABASE_URL',
    sentence: 'The login `millrace_worker`, where the owner must not be known to the program.',
    secret: true,
    read: optional,
  },
  host: {
    env: 'HOST',
    otherwise: '127.0.0.1',
    sentence: 'Address that the server listens on.',
    read: text('127.0.0.1'),
  },
  port: {
    env: 'PORT',
    otherwise: '3000',
    sentence: 'Port that the server listens on.',
    read: whole('PORT', 3000, 0, 65_535),
  },
  publicUrl: {
    env: 'PUBLIC_URL',
    otherwise: 'as it is asked for',
    sentence:
      'Address under which browsers reach the server when it is another one than HOST and PORT, for example https://millrace.example.org; with https, cookies are sent by https only.',
    read: (given: string | undefined) => {
      if (given === undefined || given === '') return undefined
      const url = URL.canParse(given) ? new URL(given) : undefined
      if (url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url
      throw new Refusal('INVALID_SETTING', 'PUBLIC_URL must be http:// or https:// and a host, without a path.', {
        remedy: 'Set PUBLIC_URL to such an address, or leave it out.',
      })
    },
  },
  jwtSecret: {
    env: 'JWT_SECRET',
    otherwise: 'none: no such tokens',
    sentence: 'Secret of at least 32 bytes with which another program signs bearer tokens for this one (HS256).',
    secret: true,
    read: optional,
  },
  jwksUrl: {
    env: 'JWKS_URL',
    otherwise: 'none: no such tokens',
    sentence: 'Where an OIDC provider shows its public keys; needs JWT_ISSUER and JWT_AUDIENCE.',
    read: optional,
  },
  jwtIssuer: {
    env: 'JWT_ISSUER',
    otherwise: 'any',
    sentence: 'Who must have issued a bearer token (`iss`).',
    read: optional,
  },
  jwtAudience: {
    env: 'JWT_AUDIENCE',
    otherwise: 'any',
    sentence: 'For whom a bearer token must be (`aud`).',
    read: optional,
  },
  hosts: {
    env: 'MILLRACE_HOSTS',
    otherwise: 'localhost, and the address that it listens on',
    sentence:
      'Names by which the server may be asked, separated by commas, for example behind a proxy; others are refused. Beyond loopback every name is taken unless some are named here.',
    read: list,
  },
  origins: {
    env: 'MILLRACE_CORS_ORIGINS',
    otherwise: 'none',
    sentence: 'Other sites whose pages may ask the API, separated by commas, for example https://lab.example.org.',
    read: list,
  },
  logLevel: {
    env: 'MILLRACE_LOG_LEVEL',
    otherwise: 'info, at a terminal warn',
    sentence: `What the server writes on standard error, as JSON when that is no terminal: ${LEVELS.join(', ')}.`,
    read(given: string | undefined): Level {
      if (given === undefined || given === '') return process.stderr.isTTY ? 'warn' : 'info'
      const level = LEVELS.find((one) => one === given)
      if (level !== undefined) return level
      throw new Refusal('INVALID_SETTING', `MILLRACE_LOG_LEVEL is ${JSON.stringify(given.slice(0, 40))}.`, {
        remedy: `Set it to one of ${LEVELS.join(', ')}.`,
      })
    },
  },
  slots: {
    env: 'WORKER_SLOTS',
    otherwise: '200',
    sentence: 'Tasks that one worker process performs at a time.',
    read: whole('WORKER_SLOTS', 200, 1, 10_000),
  },
  workspacePath: {
    env: 'WORKSPACE_PATH',
    otherwise: 'the folder in which the program is started',
    sentence:
      'Folder of the workspace: its `settings.json` is read there, and workers keep the documents of its cards there.',
    read: (given: string | undefined) => given || process.cwd(),
  },
  workerId: {
    env: 'WORKER_ID',
    otherwise: 'host and process',
    sentence: 'Name of the worker process, for people.',
    read(given: string | undefined) {
      if (given === undefined || given === '') return undefined
      if (/^[\x21-\x7e]{1,100}$/.test(given)) return given
      throw new Refusal('INVALID_SETTING', 'WORKER_ID must be 1 to 100 letters, digits or signs, without spaces.', {
        remedy: 'Set WORKER_ID to such a name, or leave it out.',
      })
    },
  },
  maxConcurrent: {
    env: 'MAX_CONCURRENT',
    otherwise: '1',
    sentence: 'Stage runs that one worker process performs at a time, besides its WORKER_SLOTS.',
    read: whole('MAX_CONCURRENT', 1, 1, 10_000),
  },
  pollInterval: {
    env: 'POLL_INTERVAL',
    otherwise: '5000',
    sentence:
      'Milliseconds after which a worker looks for work though nobody rang; new work is told to it within a moment.',
    read: whole('POLL_INTERVAL', 5_000, 10, 3_600_000),
  },
  ownKinds: {
    env: 'MILLRACE_KINDS',
    otherwise: 'none',
    sentence: 'Folder of your own kinds of runs; `worker`, `up`, `kinds` and `runs start` load every file in it.',
    read: optional,
  },
  ownProviders: {
    env: 'MILLRACE_PROVIDERS',
    otherwise: 'none',
    sentence:
      'Folder of your own providers, objects with `name` and `execute`; what serves or performs loads every file in it.',
    read: optional,
  },
  ownTools: {
    env: 'MILLRACE_TOOLS',
    otherwise: 'none',
    sentence: 'Folder of your own tools, one in a file; `worker`, `up` and `tools` load every file in it.',
    read: optional,
  },
  skills: {
    env: 'MILLRACE_SKILLS',
    otherwise: '`skills`, if it is there',
    sentence: 'Folder of skills, each a folder with a SKILL.md; `skills sync` reads below it and nowhere else.',
    read: optional,
  },
  skillsMpKey: key('SKILLMP_API_KEY', 'SkillsMP, the marketplace of skills'),
  skillsMpOtherKey: key('SKILLSMP_API_KEY', 'SkillsMP, where SKILLMP_API_KEY is not set'),
  skillsMpAddress: address('SKILLSMP_BASE_URL', 'SkillsMP', 'https://skillsmp.com/api/v1'),
  retentionDays: {
    env: 'MILLRACE_RETENTION_DAYS',
    otherwise: '0, which keeps them for ever',
    sentence:
      'Days after its end when a run is thrown away, by a running `up` or `worker`; a line in the archive stays.',
    read: whole('MILLRACE_RETENTION_DAYS', 0, 0, 36_500),
  },
  secret: {
    env: 'MILLRACE_SECRET',
    otherwise: 'a file in the folder, made when the first key is set',
    sentence:
      'What seals the keys of providers in the database: 32 bytes in base64 or hexadecimal; `NEW,OLD` while one takes the place of another.',
    secret: true,
    read: optional,
  },
  prices: {
    env: 'MILLRACE_PRICES',
    otherwise: 'the table that comes with Millrace',
    sentence:
      'A YAML file of your own prices, `provider:model: {input, output, cached}` in US dollars per million tokens.',
    read: optional,
  },
  openaiKey: key('OPENAI_API_KEY', 'OpenAI'),
  anthropicKey: key('ANTHROPIC_API_KEY', 'Anthropic'),
  googleKey: key('GOOGLE_API_KEY', 'Google'),
  geminiKey: key('GEMINI_API_KEY', 'Google, where GOOGLE_API_KEY is not set'),
  xaiKey: key('XAI_API_KEY', 'xAI'),
  deepseekKey: key('DEEPSEEK_API_KEY', 'DeepSeek'),
  mistralKey: key('MISTRAL_API_KEY', 'Mistral'),
  openaiAddress: address('OPENAI_BASE_URL', 'OpenAI', 'https://api.openai.com/v1'),
  anthropicAddress: address('ANTHROPIC_BASE_URL', 'Anthropic', 'https://api.anthropic.com/v1'),
  googleAddress: address('GOOGLE_BASE_URL', 'Google', 'https://generativelanguage.googleapis.com/v1beta'),
  xaiAddress: address('XAI_BASE_URL', 'xAI', 'https://api.x.ai/v1'),
  deepseekAddress: address('DEEPSEEK_BASE_URL', 'DeepSeek', 'https://api.deepseek.com'),
  mistralAddress: address('MISTRAL_BASE_URL', 'Mistral', 'https://api.mistral.ai/v1'),
  simulatorUrl: {
    env: 'MILLRACE_SIMULATOR_URL',
    otherwise: 'none',
    sentence:
      'Base URL of the simulator: the six vendors are spoken to there and nowhere else, with the key `simulated` where none is set.',
    read: optional,
  },
  cliModels: {
    env: 'MILLRACE_CLI_MODELS',
    otherwise: 'none',
    sentence:
      'Programs as models: `name=program words…`, separated by semicolons, for example `llama=ollama run llama3.2`; asked for as `cli:llama`. The prompt goes to standard input, standard output is the answer.',
    read: optional,
  },
  python: {
    env: 'MILLRACE_PYTHON',
    otherwise: '`python3` on the path',
    sentence: 'Python 3.10 or newer for workers in Python; nothing else needs it.',
    read: text('python3'),
  },
  pythonStrict: {
    env: 'MILLRACE_PYTHON_STRICT',
    otherwise: 'no: a run that needs it is refused',
    sentence: '`1`: `up` and `worker` refuse to start where Python cannot be used.',
    read: (given: string | undefined) => given === '1' || given === 'true',
  },
  processes: {
    env: 'WORKER_PROCESSES',
    otherwise: '16',
    sentence: 'Child processes that one worker process keeps for tasks in Python, as many as are used.',
    read: whole('WORKER_PROCESSES', 16, 1, 1_000),
  },
  diagnosisModel: {
    env: 'DIAGNOSIS_MODEL',
    otherwise: 'anthropic:claude-sonnet-4-5-20250929',
    sentence: 'The model that diagnosis runs ask, `provider:model`; patients’ answers go to that provider.',
    read: text('anthropic:claude-sonnet-4-5-20250929'),
  },
  diagnosisAuto: {
    env: 'DIAGNOSIS_AUTO_PROCESS',
    otherwise: 'on',
    sentence: '`on`: a diagnosis run begins when it is asked for. `off`: it waits until somebody processes it.',
    read: onOrOff('DIAGNOSIS_AUTO_PROCESS', true),
  },
  compatibleUrl: {
    env: 'OPENAI_COMPATIBLE_URL',
    otherwise: 'none',
    sentence:
      'Base URL of an OpenAI-compatible server (Ollama, vLLM, OpenRouter, LM Studio), for example http://127.0.0.1:11434/v1.',
    read: optional,
  },
  compatibleKey: {
    env: 'OPENAI_COMPATIBLE_API_KEY',
    otherwise: 'none',
    sentence:
      'Key of that server, sent in the Authorization header and nowhere else; one of `millrace keys` comes before it.',
    secret: true,
    read: optional,
  },
  compatibleModels: {
    env: 'OPENAI_COMPATIBLE_MODELS',
    otherwise: 'what the server lists',
    sentence: 'Names of its models, separated by commas, to show in lists.',
    read: list,
  },
  fakeLatency: {
    env: 'MILLRACE_FAKE_LATENCY_MS',
    otherwise: '20 to 80, by the request',
    sentence: 'Milliseconds that each call of the keyless `fake` models takes.',
    read: (given: string | undefined) =>
      given === undefined || given === '' ? undefined : whole('MILLRACE_FAKE_LATENCY_MS', 0, 0, 3_600_000)(given),
  },
} as const satisfies Record<string, Setting<unknown>>

export type Config = { readonly [Name in keyof typeof settings]: ReturnType<(typeof settings)[Name]['read']> }

/** What is said to be secret here, and what a name in the environment says is. */
const SECRET_NAME = /key|token|secret|password|credential/i
const SHORTEST_SECRET = 4

/** A text without the secrets of the environment, for a person's screen. */
export function withoutSecrets(said: string, environment: NodeJS.ProcessEnv = process.env): string {
  const named = new Set<string>(Object.values<Setting<unknown>>(settings).flatMap((it) => (it.secret ? [it.env] : [])))
  const secrets = Object.entries(environment)
    .filter(([name]) => named.has(name) || SECRET_NAME.test(name))
    .flatMap(([, value = '']) => [value, ...passwordsIn(value)])
    .filter((secret) => secret.length >= SHORTEST_SECRET)
  return secrets.reduce((text, secret) => text.replaceAll(secret, '…'), said)
}

/** As it stands in a URL, and as it is meant. */
function passwordsIn(url: string): string[] {
  const written = /^[a-z]+:\/\/[^:@/]*:([^@]*)@/.exec(url)?.[1]
  if (written === undefined) return []
  return [
    written,
    written.replaceAll(/%[0-9a-f]{2}/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16))),
  ]
}

/** @throws Refusal INVALID_SETTING, naming the variable */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const entries = Object.entries(settings).map(([name, setting]) => [name, setting.read(environment[setting.env])])
  return Object.fromEntries(entries) as Config
}
