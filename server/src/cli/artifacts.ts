/** `millrace runs artifacts`: what tasks made, as a list and as files. */
import { createHash, randomUUID } from 'node:crypto'
import { link, lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { Refusal, type Artifact, type Engine } from '@millrace/engine'
import { operator } from '../app.ts'
import { grouped, say, table } from './screen.ts'
import { withApp } from './session.ts'

export async function artifactsOf(
  id: number,
  options: { out?: string; force?: boolean; json?: boolean },
): Promise<number> {
  return withApp(async ({ engine }) => {
    await engine.run(operator, id)
    const found = await engine.artifacts(operator, id)
    if (options.out !== undefined) {
      const paths = await writeAll(engine, found, options.out, options.force === true)
      if (options.json === true) say(JSON.stringify(found.map((one, i) => ({ ...one, path: paths[i] }))))
      else say(`${grouped(found.length)} ${found.length === 1 ? 'artifact is' : 'artifacts are'} in ${options.out}`)
      return 0
    }
    if (options.json === true) say(JSON.stringify(found))
    else if (found.length === 0) say(`Run ${id} has no artifacts.`)
    else {
      say(
        table(
          ['task', 'name', 'type', 'bytes', 'sha256'],
          found.map(({ task, name, mediaType, size, digest }) => [
            task,
            printable(name),
            printable(mediaType),
            grouped(size),
            digest.slice(0, 16),
          ]),
        ),
      )
    }
    return 0
  })
}

/** A name is a task's word: it must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')
}

async function writeAll(engine: Engine, artifacts: readonly Artifact[], out: string, force: boolean) {
  const places = artifacts.map((one) => [String(one.task), ...partsOf(one)])
  await mkdir(out, { recursive: true }).catch((error: unknown) => Promise.reject(unwritable(out, error)))
  const root = await realpath(out)
  const there = await Promise.all(
    places.map((parts) =>
      lstat(join(root, ...parts)).then(
        () => [join(out, ...parts)],
        () => [],
      ),
    ),
  )
  if (!force && there.flat().length > 0) throw occupied(there.flat())
  const paths: string[] = []
  for (const [i, parts] of places.entries()) {
    const artifact = artifacts[i] as Artifact
    const path = join(await folderIn(root, parts.slice(0, -1)), parts.at(-1) ?? '')
    await writeOne(engine, artifact, path, force, join(out, ...parts)).catch((error: unknown) =>
      Promise.reject(error instanceof Refusal ? error : unwritable(join(out, ...parts), error)),
    )
    paths.push(path)
  }
  return paths
}

/** The engine refuses such names; what stands in the table is looked at all the same. */
function partsOf({ id, name }: Artifact): string[] {
  const parts = name.split('/')
  if (!/[\0\\]/.test(name) && parts.every((part) => !/^\.{0,2}$/.test(part))) return parts
  throw new Refusal('UNSAFE_NAME', `Artifact ${id} has a name that leads out of the folder; nothing was written.`)
}

/** Makes the folders below `root` one by one: none of them may be a link to somewhere else. */
async function folderIn(root: string, parts: readonly string[]): Promise<string> {
  let folder = root
  for (const part of parts) {
    folder = join(folder, part)
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw unwritable(relative('.', folder), error)
    })
    if (!(await lstat(folder)).isDirectory()) {
      throw new Refusal('OUT_NOT_WRITABLE', `${relative('.', folder)} is not a folder, or a link to one.`, {
        remedy: 'Name another place with --out.',
      })
    }
  }
  return folder
}

async function writeOne(engine: Engine, artifact: Artifact, path: string, force: boolean, shown: string) {
  const temporary = join(dirname(path), `.${randomUUID()}.part`)
  const file = await open(temporary, 'wx')
  try {
    const hash = createHash('sha256')
    for await (const chunk of engine.readArtifact(operator, artifact.id)) {
      hash.update(chunk)
      await file.write(chunk)
    }
    await file.close()
    if (hash.digest('hex') !== artifact.digest) {
      throw new Refusal('CONTENT_DAMAGED', `What the database holds of artifact ${artifact.id} is not what was kept.`, {
        remedy: 'Look at the disk of the database; a further round of the run makes it anew.',
      })
    }
    // A link takes a place only if it is free; a rename takes it in any case.
    if (force) await rename(temporary, path)
    else await link(temporary, path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw occupied([shown])
    throw error
  } finally {
    await file.close().catch(() => {})
    await rm(temporary, { force: true })
  }
}

function occupied(paths: readonly string[]): Refusal {
  return new Refusal(
    'FILE_EXISTS',
    `${paths.length === 1 ? 'A file is' : `${paths.length} files are`} there already.`,
    {
      causes: paths.slice(0, 10).map(printable),
      remedy: 'Name another folder with --out, or write over them with --force.',
    },
  )
}

function unwritable(path: string, cause: unknown): Refusal {
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
  return new Refusal('OUT_NOT_WRITABLE', `${printable(path)} cannot be written (${why}).`, {
    remedy: 'Name another place with --out.',
    cause,
  })
}
