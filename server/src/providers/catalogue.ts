/**
 * Which providers this installation has, and how a model is named: a spec is
 * `provider:model[@version]`.  Opened once from the settings; says what a spec
 * means, whether it can be asked, and what there is to choose from.
 */
import type { Failure } from '@millrace/engine'
import { failureOf } from './failures.ts'
import { createFake, FAKE_MODELS, unknownFakeModel } from './fake.ts'
import { createOpenAICompatible } from './openai-compatible.ts'
import type { Provider } from './provider.ts'

export interface ProviderSettings {
  readonly openaiCompatible?: {
    /** With the path: `http://127.0.0.1:11434/v1`. */
    readonly baseUrl: string
    /** `false` asks for whole answers instead of streams. */
    readonly streams?: boolean
    /** Names to show in lists; others can be asked for all the same. */
    readonly models?: readonly string[]
  }
  /** The key of a provider, as it is now; asked at every call. */
  readonly keyOf?: (providerId: string) => string | undefined
  /** Milliseconds of every call of the fake, instead of 20–80. */
  readonly fakeLatencyMs?: number
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
  /** The models that are known by name. */
  list(): readonly KnownModel[]
}

const OPENAI_COMPATIBLE = 'openai-compatible'
const PROVIDERS = ['fake', OPENAI_COMPATIBLE]

/** Never throws: a setting that makes no sense is told by `resolve`. */
export function openProviders(settings: ProviderSettings): Catalogue {
  const fake = createFake(settings.fakeLatencyMs === undefined ? {} : { latencyMs: settings.fakeLatencyMs })
  const compatible = settings.openaiCompatible
  const wire =
    compatible !== undefined && isHttpUrl(compatible.baseUrl)
      ? createOpenAICompatible({ ...compatible, apiKey: () => settings.keyOf?.(OPENAI_COMPATIBLE) })
      : undefined

  function resolve(spec: string): Resolved | Failure {
    const parts = parseSpec(spec)
    if (parts === undefined) {
      return failureOf('UNSUPPORTED_PROVIDER', {
        message: 'A model is named as provider:model, for example fake:a.',
        details: { spec: printable(spec) },
      })
    }
    const { providerId, model, version } = parts
    const found = (provider: Provider): Resolved => ({
      provider,
      providerId,
      model,
      ...(version === undefined ? {} : { version }),
    })
    switch (providerId) {
      case 'fake':
        if (Object.hasOwn(FAKE_MODELS, model)) return found(fake)
        return { ...unknownFakeModel(printable(model)), message: `There is no model ${printable(spec)}.` }
      case OPENAI_COMPATIBLE:
        if (wire !== undefined) return found(wire)
        return failureOf('CONFIGURATION', {
          message:
            compatible === undefined
              ? 'The provider openai-compatible is not configured: set OPENAI_COMPATIBLE_URL.'
              : 'OPENAI_COMPATIBLE_URL is not an http or https address.',
          details: { provider: OPENAI_COMPATIBLE, setting: 'OPENAI_COMPATIBLE_URL' },
        })
      default:
        return failureOf('UNSUPPORTED_PROVIDER', {
          message: `There is no provider ${printable(providerId)}.`,
          details: { provider: printable(providerId), known: PROVIDERS.join(', ') },
        })
    }
  }

  return {
    resolve,
    async check(specs) {
      const asked = new Map<string, Promise<Failure | null>>()
      for (const spec of specs) {
        const found = resolve(spec)
        if (!asked.has(spec))
          asked.set(spec, 'code' in found ? Promise.resolve(found) : found.provider.check(found.model))
      }
      return await Promise.all(specs.map(async (spec) => ({ spec, failure: (await asked.get(spec)) ?? null })))
    },
    list() {
      const fakes = Object.entries(FAKE_MODELS).map(([model, { description }]) => known('fake', model, description))
      const named = wire === undefined ? [] : (compatible?.models ?? [])
      return [...fakes, ...named.map((model) => known(OPENAI_COMPATIBLE, model, `Served by ${wire?.name ?? ''}.`))]
    },
  }
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
