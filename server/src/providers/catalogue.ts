/**
 * Which providers this installation has, and how a model is named: a spec is
 * `provider:model[@version]`.  Opened once from the settings; says what a spec
 * means, whether it can be asked, and what there is to choose from.
 */
import type { Failure } from '@millrace/engine'
import { createCommands, readCommands } from './command.ts'
import { failureOf } from './failures.ts'
import { asProvider, type ExecutionProvider } from './execution.ts'
import { createFake, FAKE_MODELS, unknownFakeModel } from './fake.ts'
import { createOpenAICompatible } from './openai-compatible.ts'
import type { Provider } from './provider.ts'
import { steady } from './steadiness.ts'
import { VENDORS, type Vendor } from './vendors.ts'
import { createWire, missingKey } from './wire.ts'

export interface ProviderSettings {
  /** The key of a provider by its id, asked at each request: it may change while the program runs. */
  readonly keyOf?: (providerId: string) => string | undefined
  /** Base URLs by provider id, instead of the vendors' own; without a path the vendor's is added. */
  readonly addresses?: Readonly<Record<string, string | undefined>>
  /** The simulator: all six vendors are spoken to there, whatever else is said. */
  readonly simulator?: string
  readonly openaiCompatible?: {
    /** With the path: `http://127.0.0.1:11434/v1`. */
    readonly baseUrl: string
    /** Names to show in lists; others can be asked for all the same. */
    readonly models?: readonly string[]
  }
  /** Programs as models: `name=program words…`, separated by semicolons. */
  readonly commands?: string
  /** Milliseconds of every call of the fake, instead of 20–80. */
  readonly fakeLatencyMs?: number
  /** A person's own; their names are none of the others'. */
  readonly own?: readonly ExecutionProvider[]
}

/** A spec that can be asked. */
export interface Resolved {
  readonly provider: Provider
  readonly providerId: string
  /** The bare name, as the provider knows it. */
  readonly model: string
  /** The version that was asked for; the one that answers stands in the answer. */
  readonly version?: string
}

export interface KnownModel {
  /** `provider:model`, ready to be asked for. */
  readonly spec: string
  readonly providerId: string
  readonly model: string
  /** One line. */
  readonly description: string
}

export interface Catalogue {
  /**
   * What a spec means, without asking anybody: `UNSUPPORTED_PROVIDER`,
   * `UNKNOWN_MODEL`, `CONFIGURATION` (`details.setting` names the variable) or the provider.
   */
  resolve(spec: string): Resolved | Failure
  /** Asks the providers, free of charge, whether each spec is known and reachable; in the given order. */
  check(specs: readonly string[]): Promise<readonly { readonly spec: string; readonly failure: Failure | null }[]>
  /** The models that are known by name without asking anybody. */
  list(): readonly KnownModel[]
  /** All providers, whether they can be asked or not. */
  providers(): readonly Offered[]
  /** Asks the providers (or one of them) for their models, free of charge. */
  models(providerId?: string): Promise<readonly Offer[]>
}

/** A provider that this program knows. */
export interface Offered {
  readonly id: string
  /** For people. */
  readonly name: string
  /** Why it cannot be asked: a setting that is missing or wrong. */
  readonly missing?: Failure
  /** Unless something is missing. */
  readonly provider?: Provider
}

/** What a provider has to offer. */
export interface Offer {
  readonly id: string
  readonly name: string
  readonly models: readonly KnownModel[]
  /** Why they could not be listed. */
  readonly failure: Failure | null
}

/** Has this program all that it takes to ask the provider, at this moment? */
export function canAsk(catalogue: Pick<Catalogue, 'providers'>, providerId: string): boolean {
  return catalogue.providers().some(({ id, missing }) => id === providerId && missing === undefined)
}

const OPENAI_COMPATIBLE = 'openai-compatible'
const SIMULATED_KEY = 'simulated'

/** Never throws: a setting that makes no sense is told by `resolve`. */
export function openProviders(settings: ProviderSettings): Catalogue {
  const fake = createFake(settings.fakeLatencyMs === undefined ? {} : { latencyMs: settings.fakeLatencyMs })
  const compatible = compatibleOffer(settings)
  const doors = new Map<string, () => Offered>([
    ['fake', always({ id: 'fake', name: fake.name, provider: steady(fake) })],
    ...VENDORS.map((vendor): [string, () => Offered] => [vendor.id, vendorDoor(vendor, settings)]),
    [OPENAI_COMPATIBLE, always(compatible)],
    ['cli', always(commandsOffer(settings.commands))],
    ...(settings.own ?? []).map((own): [string, () => Offered] => [
      own.name,
      always({ id: own.name, name: own.name, provider: steady(asProvider(own)) }),
    ]),
  ])

  function resolve(spec: string): Resolved | Failure {
    const parts = parseSpec(spec)
    if (parts === undefined) {
      return failureOf('UNSUPPORTED_PROVIDER', {
        message: 'A model is named as provider:model, for example fake:a.',
        details: { spec: printable(spec) },
      })
    }
    const { providerId, model, version } = parts
    const offered = doors.get(providerId)?.()
    if (offered === undefined) {
      return failureOf('UNSUPPORTED_PROVIDER', {
        message: `There is no provider ${printable(providerId)}.`,
        details: { provider: printable(providerId), known: [...doors.keys()].join(', ') },
      })
    }
    if (providerId === 'fake' && !Object.hasOwn(FAKE_MODELS, model)) {
      return { ...unknownFakeModel(printable(model)), message: `There is no model ${printable(spec)}.` }
    }
    const { missing, provider } = offered
    if (provider === undefined || missing !== undefined) return missing ?? failureOf('CONFIGURATION')
    return { provider, providerId, model, ...(version === undefined ? {} : { version }) }
  }

  function list(): readonly KnownModel[] {
    const fakes = Object.entries(FAKE_MODELS).map(([model, { description }]) => known('fake', model, description))
    const named = compatible.provider === undefined ? [] : (settings.openaiCompatible?.models ?? [])
    const own = (settings.own ?? []).flatMap(({ name, models = [] }) =>
      models.map((model) => known(name, model, `Served by ${name}.`)),
    )
    return [...fakes, ...named.map((model) => known(OPENAI_COMPATIBLE, model, `Served by ${compatible.name}.`)), ...own]
  }

  return {
    resolve,
    list,
    async check(specs) {
      const asked = new Map<string, Promise<Failure | null>>()
      for (const spec of specs) {
        const found = resolve(spec)
        if (!asked.has(spec))
          asked.set(spec, 'code' in found ? Promise.resolve(found) : found.provider.check(found.model))
      }
      return await Promise.all(specs.map(async (spec) => ({ spec, failure: (await asked.get(spec)) ?? null })))
    },
    providers: () => Array.from(doors.values(), (door) => door()),
    async models(providerId) {
      const wanted = Array.from(doors.values(), (door) => door()).filter(({ id }) => id === (providerId ?? id))
      const byName = list()
      return await Promise.all(
        wanted.map(async ({ id, name, missing, provider }) => {
          const own = byName.filter((model) => model.providerId === id)
          if (missing !== undefined) return { id, name, models: own, failure: missing }
          if (own.length > 0) return { id, name, models: own, failure: null }
          const { names = [], failure = null } = (await provider?.models()) ?? {}
          return {
            id,
            name,
            models: names.map(printable).map((model) => known(id, model, `Served by ${name}.`)),
            failure,
          }
        }),
      )
    },
  }
}

const always =
  (offered: Offered): (() => Offered) =>
  () =>
    offered

/** A vendor is opened once; whether it has a key is asked each time. */
function vendorDoor(vendor: Vendor, { keyOf, addresses, simulator }: ProviderSettings): () => Offered {
  const { id, name } = vendor
  const [keySetting] = vendor.keys
  const key = () => keyOf?.(id)?.trim() || (simulator === undefined ? undefined : SIMULATED_KEY)
  const given = simulator ?? addresses?.[id]
  const setting = simulator === undefined ? vendor.address : 'MILLRACE_SIMULATOR_URL'
  if (given !== undefined && !isHttpUrl(given)) {
    const missing = failureOf('CONFIGURATION', {
      message: `${setting} is not an http or https address.`,
      details: { provider: id, setting },
    })
    return always({ id, name, missing })
  }
  const baseUrl = simulator === undefined ? withPath(given, vendor) : simulator.replace(/\/+$/, '') + vendor.simulated
  const wire = createWire(vendor, { baseUrl, keyOf: key, keySetting, needsKey: true, streams: false })
  const provider = steady(wire, given === undefined ? undefined : setting)
  return () =>
    key() === undefined
      ? { id, name, missing: missingKey(name, { provider: id, setting: keySetting }) }
      : { id, name, provider }
}

/** Whoever writes only the host means the place where the vendor's API is there. */
function withPath(given: string | undefined, { baseUrl }: Vendor): string {
  if (given === undefined) return baseUrl
  const bare = given.replace(/\/+$/, '')
  return new URL(bare).pathname === '/' ? bare + new URL(baseUrl).pathname.replace(/\/$/, '') : bare
}

function compatibleOffer({ openaiCompatible: config, keyOf }: ProviderSettings): Offered {
  const id = OPENAI_COMPATIBLE
  const setting = 'OPENAI_COMPATIBLE_URL'
  if (config === undefined || !isHttpUrl(config.baseUrl)) {
    const missing = failureOf('CONFIGURATION', {
      message:
        config === undefined
          ? `The provider ${id} is not configured: set ${setting}.`
          : `${setting} is not an http or https address.`,
      details: { provider: id, setting },
    })
    return { id, name: 'OpenAI-compatible server', missing }
  }
  const wire = createOpenAICompatible({
    baseUrl: config.baseUrl,
    apiKey: () => keyOf?.(id),
  })
  return { id, name: wire.name, provider: steady(wire, setting) }
}

function commandsOffer(text: string | undefined): Offered {
  const offered = { id: 'cli', name: 'Commands' }
  const setting = 'MILLRACE_CLI_MODELS'
  const read = readCommands(text ?? '')
  if ('commands' in read && read.commands.size > 0) {
    return { ...offered, provider: createCommands({ commands: read.commands }) }
  }
  const message =
    'wrong' in read
      ? `${setting} has an entry that is not name=program: ${printable(read.wrong)}`
      : `No program is configured as a model: set ${setting}.`
  return { ...offered, missing: failureOf('CONFIGURATION', { message, details: { provider: 'cli', setting } }) }
}

function known(providerId: string, model: string, description: string): KnownModel {
  return { spec: `${providerId}:${model}`, providerId, model, description }
}

/** The first colon ends the provider; a last `@` begins the version, unless a slash follows it. */
function parseSpec(spec: string): { providerId: string; model: string; version?: string } | undefined {
  const colon = spec.indexOf(':')
  const providerId = spec.slice(0, Math.max(colon, 0)).trim()
  const rest = spec.slice(colon + 1).trim()
  const at = rest.lastIndexOf('@')
  const version = at > 0 ? rest.slice(at + 1) : ''
  const model = version === '' || version.includes('/') ? rest : rest.slice(0, at)
  if (providerId === '' || model === '') return undefined
  return version === '' || model === rest ? { providerId, model } : { providerId, model, version }
}

/** What a person typed, safe to store and to show. */
function printable(text: string): string {
  const clean = text.slice(0, 81).replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '\ufffd')
  return clean.length > 80 ? `${clean.slice(0, 79).toWellFormed()}…` : clean
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text)
}
