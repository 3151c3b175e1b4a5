/** `millrace tools new`: one file that works, to be changed into what somebody needs. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Refusal } from '@millrace/engine'
import { readConfig } from '../config.ts'
import { say } from './screen.ts'

const typescript = (name: string) => `import { defineTool, ToolFailed } from 'millrace/tool'
import { z } from 'zod'

export default defineTool({
  name: '${name}',
  version: '1.0.0',
  description: 'Counts the words of a text.',
  input: z.object({ text: z.string() }),
  output: z.object({ words: z.int() }),
  errors: { NO_WORDS: { message: 'The text has no words.', blame: 'caller' } },
  run({ text }) {
    const words = text.split(/\\s+/).filter(Boolean).length
    if (words === 0) throw new ToolFailed('NO_WORDS')
    return { words }
  },
})
`

const python = (name: string) => `from millrace_tool import ToolFailed

TOOL = {
    "name": "${name}",
    "version": "1.0.0",
    "description": "Counts the words of a text.",
    "input": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "output": {"type": "object", "properties": {"words": {"type": "integer"}}, "required": ["words"]},
    "errors": {"NO_WORDS": {"message": "The text has no words.", "blame": "caller"}},
}


def run(given, job):
    words = len(given["text"].split())
    if words == 0:
        raise ToolFailed("NO_WORDS")
    return {"words": words}
`

/** @throws Refusal FILE_EXISTS */
export async function newTool(name: string, options: { python?: boolean; folder?: string }): Promise<number> {
  const folder = options.folder ?? readConfig().ownTools ?? 'tools'
  const path = join(folder, options.python === true ? `${name}.py` : `${name}.ts`)
  await mkdir(folder, { recursive: true })
  try {
    await writeFile(path, options.python === true ? python(name) : typescript(name), { flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    throw new Refusal('FILE_EXISTS', `${path} is there already.`, { remedy: 'Choose another name, or edit that file.' })
  }
  say(`Wrote ${path}. Try it:`)
  say(`  MILLRACE_TOOLS=${folder} npx millrace tools call ${name} --input '{"text":"one two"}'`)
  return 0
}
