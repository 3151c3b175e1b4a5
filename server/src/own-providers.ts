/**
 * A person's own providers: the files of one folder, each exporting an
 * `ExecutionProvider`.  All that is wrong with them is said at once.
 */
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Refusal } from '@millrace/engine'
import { moduleFiles, reasonOf } from './own-kinds.ts'
import { isExecutionProvider, PROVIDER_NAME, type ExecutionProvider } from './providers/execution.ts'
import { lendImports } from './tools/host/imports.ts'

/**
 * @param taken names of the providers that these stand beside
 * @throws Refusal NO_SUCH_FOLDER, or INVALID_PROVIDERS with one cause a line
 */
export async function loadProviders(folder: string, taken: readonly string[]): Promise<readonly ExecutionProvider[]> {
  const files = await moduleFiles(folder, { of: 'own providers', setting: 'MILLRACE_PROVIDERS' })
  const here = await realpath(folder)
  lendImports(here)
  const thrown: unknown[] = []
  const problems: string[] = []
  const found = new Map<ExecutionProvider, string>()
  for (const file of files) {
    try {
      const exported = Object.values(
        (await import(pathToFileURL(join(here, file)).href)) as Record<string, unknown>,
      ).filter(isExecutionProvider)
      if (exported.length === 0) problems.push(`${file}: no provider in it; export an object with name and execute`)
      for (const one of exported) if (!found.has(one)) found.set(one, file)
    } catch (error) {
      thrown.push(error)
      problems.push(`${file}: does not load: ${reasonOf(error, file)}`)
    }
  }
  if (files.length === 0) problems.push('no file in it ends in .ts, .js or .mjs')
  const named = [...found].map(([one, file]) => [one, `${file}: `] as const)
  problems.push(...wrongNames(named, taken))
  if (problems.length > 0) {
    throw new Refusal('INVALID_PROVIDERS', `The providers in ${folder} cannot be served.`, {
      causes: problems,
      ...(thrown.length === 0
        ? {}
        : { cause: new AggregateError(thrown), remedy: '--verbose shows where a file stopped.' }),
    })
  }
  return [...found.keys()]
}

/**
 * Those that a program brings itself.
 * @throws Refusal INVALID_PROVIDERS with one cause a line
 */
export function refuseWrongNames(own: readonly ExecutionProvider[], taken: readonly string[]): void {
  const causes = wrongNames(
    own.map((one) => [one, ''] as const),
    taken,
  )
  if (causes.length > 0) throw new Refusal('INVALID_PROVIDERS', 'These providers cannot be served.', { causes })
}

function wrongNames(own: readonly (readonly [ExecutionProvider, string])[], taken: readonly string[]): string[] {
  const seen = new Set(taken)
  return own.flatMap(([{ name }, where]) => {
    if (!PROVIDER_NAME.test(name)) {
      return `${where}a provider's name has lower-case letters, digits and hyphens, at most 40, a letter first`
    }
    const isTaken = seen.has(name)
    seen.add(name)
    return isTaken ? `${where}there is a provider named ${name} already` : []
  })
}
