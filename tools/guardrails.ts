/**
 * Rules that no compiler knows, and what checks each.  These are about the text of
 * the house, and are tried at every check with an example that breaks them: a rule
 * that cannot fire proves nothing.  `rule-book.ts` puts those of the domains beside them.
 */
import { files, textOf } from './tree.ts'

interface TextRule {
  readonly id: string
  readonly says: string
  readonly where: RegExp
  readonly except?: RegExp
  /** What may not stand there. */
  readonly never: RegExp
  /** A text that breaks it. */
  readonly breaks: string
}

export const TEXT_RULES: readonly TextRule[] = [
  {
    id: 'R-ENG-001',
    says: 'only the verbs write the tables of the engine',
    where: /^(engine|server)\/src\/.*\.ts$/,
    never: /\b(insert\s+into|update|delete\s+from)\s+engine\.(?!migrations\b)/i,
    breaks: "update engine.runs set state = 'failed'",
  },
  {
    id: 'R-ENG-002',
    says: 'no verb notifies: a NOTIFY inside a transaction makes commits queue',
    where: /^engine\/sql\/.*\.sql$/,
    never: /\bpg_notify\s*\(|^\s*notify\b/im,
    breaks: "perform pg_notify('millrace_runs', '1')",
  },
  {
    id: 'R-ENG-003',
    says: 'a function with its owner’s rights pins its search path',
    where: /^(engine\/sql|server\/src)\/.*\.sql$/,
    never: /security definer(?! set search_path)/i,
    breaks: 'language plpgsql security definer as $$',
  },
  {
    id: 'R-ACC-001',
    says: 'the owner’s login is for migrations; nobody else connects with it',
    where: /^(engine|server)\/src\/.*\.ts$/,
    except: /^engine\/src\/(database|migrate|postgres)\.ts$|^engine\/src\/postgres\//,
    never: /\bownerSettings\b/,
    breaks: 'new pg.Pool(ownerSettings(owner))',
  },
  {
    id: 'R-PRV-001',
    says: 'no provider retries or waits: that is the task’s failure to decide',
    where: /^server\/src\/providers\/.*\.ts$/,
    except: /\.(test|contract)\.ts$|fake\.ts$/,
    never: /\bmaxRetries:\s*[1-9]|\bsetInterval\b/,
    breaks: 'maxRetries: 2',
  },
  {
    id: 'R-PAT-001',
    says: 'a pattern of a stranger is tried where it can be stopped',
    where: /^server\/src\/.*\.ts$/,
    // The tool runs in a thread that is ended; a skill's schema is only looked at.
    except: /^server\/src\/(patterns|tools\/own\/json-schema-validate|skills\/io-schema)\.ts$|\.test\.ts$/,
    never: /\bfromJSONSchema\(|\bmatchesGlob\(/,
    breaks: 'z.fromJSONSchema(schema).safeParse(value)',
  },
  {
    id: 'R-TXT-001',
    says: 'no path of a machine and no host of a registry',
    where: /\.(ts|js|md|json|ya?ml|sql)$|^\.ci\//,
    except: /^tools\/guardrails\.ts$/,
    never: /\/(work|root|Users)\/[a-z]|registry\.npmjs|deb\.debian\.org/,
    breaks: 'see /Users/me/millrace',
  },
  {
    id: 'R-TXT-002',
    says: 'no note to finish later',
    where: /^(engine|server|tools|examples|bench)\/.*\.(ts|sql|js)$/,
    except: /^tools\/guardrails\.ts$/,
    never: /\b(TODO|FIXME|XXX|HACK)\b/,
    breaks: '// TODO: later',
  },
  {
    id: 'R-LCK-001',
    says: 'dependencies are exact',
    where: /(^|\/)package\.json$/,
    never: /"(\^|~|>|\*|latest)[^"]*"(?=,?\s*$)(?<!"node": ">=24")/m,
    breaks: '"zod": "^4.0.0"',
  },
]

export async function guardrails(): Promise<string[]> {
  return [...TEXT_RULES.flatMap(checkText), ...installScripts()]
}

export function checkText(rule: TextRule): string[] {
  const paths = files(rule.where).filter((path) => rule.except?.test(path) !== true)
  const problems = paths.length === 0 ? [`${rule.id} looked at no file`] : []
  if (!rule.never.test(rule.breaks)) problems.push(`${rule.id} does not fire on what breaks it`)
  for (const path of paths) {
    const found = rule.never.exec(textOf(path))
    if (found === null) continue
    const line = textOf(path).slice(0, found.index).split('\n').length
    problems.push(`${path}:${line} violates ${rule.id}: ${rule.says}`)
  }
  return problems
}

/** Install scripts run only for the packages that are named, of what is here and of the bench. */
function installScripts(): string[] {
  return ['', 'bench/'].flatMap((place) =>
    wrongInLock(`${place}package-lock.json`, textOf(`${place}package-lock.json`), textOf(`${place}package.json`)),
  )
}

interface Locked {
  readonly version?: string
  readonly hasInstallScript?: boolean
  readonly integrity?: string
  readonly link?: boolean
  readonly inBundle?: boolean
  readonly resolved?: string
}

/** What a lock file lets in that nobody has looked at. */
export function wrongInLock(path: string, lock: string, manifest: string): string[] {
  const { packages } = JSON.parse(lock) as { packages: Record<string, Locked> }
  const named = (JSON.parse(manifest) as { allowScripts?: Record<string, boolean> }).allowScripts ?? {}
  return Object.entries(packages).flatMap(([place, entry]) => {
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const wrong: string[] = []
    const say = (what: string) => void wrong.push(`${path}: ${name} ${what}`)
    if (entry.hasInstallScript === true && named[name] === undefined) {
      say('has an install script that allowScripts does not name (R-LCK-002)')
    }
    if (!place.includes('node_modules/') || entry.link === true || entry.inBundle === true) return wrong
    if (entry.integrity === undefined || !/^sha512-[\w+/]{86}==/.test(entry.integrity)) {
      say('has no integrity of SHA-512 (R-LCK-003)')
    }
    if (entry.resolved !== undefined && !/^https:\/\/[^/]+\/.+\.tgz$/.test(entry.resolved)) {
      say('does not come as a package of a registry (R-LCK-004)')
    }
    if (entry.version === undefined || !/^\d+\.\d+\.\d+/.test(entry.version)) say('has no exact version (R-LCK-005)')
    return wrong
  })
}
