/**
 * A person's own kinds of runs: the files of one folder, each exporting what
 * `defineRun` gave.  All that is wrong with them is said at once.
 */
import { readdir, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Refusal, type AnyRunKind } from '@millrace/engine'
import { lendImports, whyNotLoaded } from './tools/host/imports.ts'

type AnyTaskKind = AnyRunKind['tasks'][number]

/**
 * @param product the kinds that these stand beside; their names are taken
 * @throws Refusal NO_SUCH_FOLDER, or INVALID_KINDS with one cause a line
 */
export async function loadKinds(folder: string, product: readonly AnyRunKind[]): Promise<readonly AnyRunKind[]> {
  const files = await moduleFiles(folder, { of: 'own kinds', setting: 'MILLRACE_KINDS' })
  const here = await realpath(folder)
  lendImports(here)
  const problems: string[] = []
  const thrown: unknown[] = []
  const runs = new Map<AnyRunKind, string>()
  const tasks = new Map<AnyTaskKind, string>()
  for (const file of files) {
    const path = join(here, file)
    try {
      const exported = Object.values((await import(pathToFileURL(path).href)) as Record<string, unknown>)
      const found = exported.filter((it) => isRunKind(it) || isTaskKind(it))
      if (found.length === 0)
        problems.push(`${file}: no kind in it; export what defineRun gave, or move it to a folder below`)
      for (const kind of found.filter(isRunKind)) if (!runs.has(kind)) runs.set(kind, file)
      for (const kind of found.filter(isTaskKind)) if (!tasks.has(kind)) tasks.set(kind, file)
    } catch (error) {
      thrown.push(error)
      problems.push(`${file}: does not load: ${reasonOf(error, file)}`)
    }
  }
  if (files.length === 0) problems.push('no file in it ends in .ts, .js or .mjs')
  problems.push(...clashes(runs, product))
  const listed = new Set([...runs.keys()].flatMap((run) => run.tasks))
  for (const [task, file] of thrown.length > 0 ? [] : tasks) {
    if (!listed.has(task)) problems.push(`${file}: no run kind lists the task kind ${task.name} in its tasks`)
  }
  if (problems.length > 0) {
    throw new Refusal(
      'INVALID_KINDS',
      `The kinds in ${folder} cannot be served: ${problems.length} ${problems.length === 1 ? 'thing is' : 'things are'} wrong.`,
      {
        causes: problems,
        ...(thrown.length === 0
          ? {}
          : { cause: new AggregateError(thrown), remedy: '--verbose shows where a file stopped.' }),
      },
    )
  }
  return [...runs.keys()]
}

/**
 * The files of a person's own folder that are loaded.
 * @throws Refusal NO_SUCH_FOLDER
 */
export async function moduleFiles(
  folder: string,
  { of, setting }: { readonly of: string; readonly setting: string },
): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new Refusal('NO_SUCH_FOLDER', `The folder of your ${of}, ${resolve(folder)}, cannot be read.`, {
      remedy: `Make it, or set ${setting} to the folder where they are.`,
      cause: error,
    })
  })
  return entries
    .filter((entry) => !entry.isDirectory() && /^[^.].*\.(ts|js|mjs)$/.test(entry.name))
    .map((entry) => entry.name)
    .filter((name) => !/\.test\.[a-z]+$|\.d\.ts$/.test(name))
    .toSorted()
}

/** One name, one kind: of runs, and of tasks, to which the decisions (`words.next`) belong. */
function clashes(runs: ReadonlyMap<AnyRunKind, string>, product: readonly AnyRunKind[]): string[] {
  const problems: string[] = []
  const runNames = new Map(product.map((kind) => [kind.name, 'Millrace itself']))
  const taskNames = new Map(product.flatMap((kind) => taskNamesOf(kind).map((name) => [name, 'Millrace itself'])))
  const seen = new Set<AnyTaskKind>()
  for (const [run, file] of runs) {
    const other = runNames.get(run.name)
    if (other !== undefined) problems.push(`${file}: the name ${run.name} is taken by ${other}`)
    runNames.set(run.name, file)
    if (!run.tasks.every(isTaskKind)) {
      problems.push(`${file}: the tasks of ${run.name} hold something that defineTask did not give`)
      continue
    }
    const fresh = run.tasks.filter((task) => !seen.has(task))
    for (const task of fresh) seen.add(task)
    for (const name of other === undefined ? taskNamesOf({ ...run, tasks: fresh }) : []) {
      const taken = taskNames.get(name)
      if (taken !== undefined) problems.push(`${file}: the name ${name} of a task kind is taken by ${taken}`)
      taskNames.set(name, file)
    }
  }
  return problems
}

function taskNamesOf(run: AnyRunKind): string[] {
  return [...run.tasks.map((task) => task.name), ...(run.next === undefined ? [] : [`${run.name}.next`])]
}

function isRunKind(it: unknown): it is AnyRunKind {
  return isNamed(it) && isSchema(it['input']) && Array.isArray(it['tasks']) && typeof it['plan'] === 'function'
}

function isTaskKind(it: unknown): it is AnyTaskKind {
  return isNamed(it) && isSchema(it['input']) && isSchema(it['output']) && typeof it['perform'] === 'function'
}

function isNamed(it: unknown): it is Record<string, unknown> {
  return typeof it === 'object' && it !== null && 'name' in it && typeof it.name === 'string' && it.name !== ''
}

function isSchema(it: unknown): boolean {
  return typeof it === 'object' && it !== null && 'safeParse' in it && typeof it.safeParse === 'function'
}

/** Why a file does not load: nothing that the file itself says. */
export function reasonOf(error: unknown, file: string): string {
  const { name, line, says } = whyNotLoaded(error, file)
  return `${name}${line === undefined ? '' : ` in line ${line}`}${says}`
}
