/** Files of a person's own folders: what they may import, and what is told of one that does not load. */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

/** Node wrote these itself, about names and places; any other message may hold what nobody should read. */
const NODE_SAYS =
  /^ERR_(MODULE_NOT_FOUND|PACKAGE_PATH_NOT_EXPORTED|INVALID_TYPESCRIPT_SYNTAX|UNSUPPORTED_TYPESCRIPT_SYNTAX|UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING)$/
const NO_EXPORT = /^The requested module '[^']*' does not provide an export named '[^']*'$/

/** What may be told of an error that a file ended with. */
export function whyNotLoaded(error: unknown, file: string): { name: string; line?: number; says: string } {
  if (!(error instanceof Error)) return { name: 'it threw something that is no Error', says: '' }
  const name = /^[A-Za-z]{1,40}$/.test(error.name) ? error.name : 'Error'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const stack = error.stack ?? ''
  const at = stack.indexOf(`${file}:`)
  const line = at < 0 ? undefined : /^\d+/.exec(stack.slice(at + file.length + 1))?.[0]
  const message = NODE_SAYS.test(code) || NO_EXPORT.test(error.message) ? `: ${error.message}` : ''
  return { name, ...(line === undefined ? {} : { line: Number(line) }), says: message }
}

const OURS = /^(millrace|@millrace\/engine)(\/|$)/
const LENT = /^zod(\/|$)/
const folders = new Set<string>()

/**
 * Such a folder may lie anywhere: `millrace` in it is this very program (another
 * copy's `TaskFailed` would be a stranger to our worker), `zod` is ours where it
 * has none, and a file whose package does not say what it is, is a module.
 */
export function lendImports(folder: string): void {
  folders.add(`${pathToFileURL(folder).href}/`)
  if (folders.size > 1) return
  registerHooks({
    resolve(specifier, context, next) {
      const asOurs = () => next(specifier, { ...context, parentURL: import.meta.url })
      if (OURS.test(specifier)) return asOurs()
      let found: ReturnType<typeof next>
      try {
        found = next(specifier, context)
      } catch (error) {
        if (LENT.test(specifier)) return asOurs()
        throw error
      }
      const undecided = (found.format ?? '') === '' && !found.url.includes('/node_modules/')
      if (!undecided || ![...folders].some((below) => found.url.startsWith(below))) return found
      return { ...found, format: found.url.endsWith('.ts') ? 'module-typescript' : 'module' }
    },
  })
}
