/** The pages for people, as tests run them: their blocks as files and as commands of this process. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { freshDatabase } from '@millrace/engine/testing'
import { rooms } from '../src/app.ts'
import { commands } from '../src/cli.ts'
import { REPOSITORY } from './cli.ts'

export interface Block {
  readonly language: string
  /** What stands behind the language: the name of a file, or `elsewhere`. */
  readonly about: string
  readonly text: string
}

export function blocksOf(page: string): Block[] {
  return Array.from(
    readFileSync(join(REPOSITORY, page), 'utf8').matchAll(/^```(\w*)(?: (\S+))?\n([^]*?)^```$/gm),
    ([, language = '', about = '', text = '']) => ({ language, about, text }),
  )
}

/** The commands of a page on a database of their own. */
export interface GuideStage {
  readonly folder: string
  /** A command as a shell would give it, in this process; gives its standard output. */
  run(line: string): Promise<string>
  /** Runs each `sh` block, and compares with the block below it where that is an answer. */
  follow(blocks: readonly Block[]): Promise<number>
  close(): Promise<void>
}

export async function openGuideStage(files: readonly Block[]): Promise<GuideStage> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-page-'))
  const written = files.filter(({ about }) => about.includes('.'))
  for (const { about, text } of written) writeFileSync(join(folder, about), text)
  const db = await freshDatabase(rooms.slice(1))
  vi.stubEnv('DATABASE_URL', db.url)
  vi.stubEnv('MILLRACE_FOLDER', join(folder, '.millrace'))
  vi.stubEnv('MILLRACE_FAKE_LATENCY_MS', '0')
  vi.stubEnv('WORKSPACE_PATH', join(folder, 'workspace'))
  mkdirSync(join(folder, 'workspace'))
  const names = new Set(written.map(({ about }) => about))
  // What a page calls by its bare name lies in the folder of the page.
  const placed = (word: string) =>
    names.has(word) || /^[\w-]+\.(csv|jsonl)$/.test(word)
      ? join(folder, word)
      : word.replace(/^examples\//, join(REPOSITORY, 'examples/'))

  async function run(line: string): Promise<string> {
    const words = Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? '')
    let said = ''
    const spies = [
      vi.spyOn(process.stdout, 'write').mockImplementation((text) => (said += String(text)) !== ''),
      vi.spyOn(process.stderr, 'write').mockImplementation(() => true),
    ]
    try {
      await commands().parseAsync(words.slice(words.indexOf('millrace') + 1).map(placed), { from: 'user' })
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
    return said
  }

  return {
    folder,
    run,
    async follow(blocks) {
      let ran = 0
      for (const [at, { language, about, text }] of blocks.entries()) {
        if (language !== 'sh' || about !== '') continue
        const answer = blocks[at + 1]?.about === '' ? blocks[at + 1] : undefined
        for (const line of text.trim().split('\n')) {
          const said = await run(line)
          expect([line, process.exitCode ?? 0]).toEqual([line, 0])
          if (answer?.language === 'text') expect(timeless(said), line).toBe(timeless(answer.text))
          if (answer?.language === 'json') expect(JSON.parse(said), line).toMatchObject(JSON.parse(answer.text))
          ran += 1
        }
      }
      return ran
    },
    async close() {
      vi.unstubAllEnvs()
      await db.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Without what differs from one machine and moment to another. */
function timeless(said: string): string {
  return said
    .replaceAll(/ in [\d.]+ m?s\b/g, ' in a moment')
    .replaceAll(/[\d,.]+ m?s$/gm, 'a moment')
    .replaceAll(/started .*\.$/gm, 'started then.')
    .replaceAll(/(are in ).*\/([\w-]+\.\w+)$/gm, '$1$2')
    .replaceAll(/ +$/gm, '')
    .trim()
}
