/**
 * The skills that Millrace ships, in `server/skills`.  Their digests are written down
 * when Millrace is built (`npm run pictures`), so that a copy that somebody changed is
 * not taken for ours.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { readSkillsFolder, type FoundSkill } from './folder.ts'

const FOLDER = new URL('../../skills/', import.meta.url)
const DIGESTS = 'digests.json'

export interface ProductSkill extends FoundSkill {
  /** It is as it was built. */
  readonly vouched: boolean
}

/** @param folder another place of the same shape, for trying what a changed copy does */
export async function productSkills(folder: URL = FOLDER): Promise<ProductSkill[]> {
  const [found, digests] = await Promise.all([
    readSkillsFolder(fileURLToPath(folder)),
    readFile(new URL(DIGESTS, folder), 'utf8').then((text) => JSON.parse(text) as Record<string, string>),
  ])
  return found.map((skill) => ({ ...skill, vouched: digests[skill.key] === skill.content?.digest }))
}

/** The file of digests as it should be. @throws Error where a skill that we ship has a fault */
export async function productDigests(): Promise<string> {
  const found = await readSkillsFolder(fileURLToPath(FOLDER))
  const digests = found.map(({ key, content, diagnostics }): [string, string] => {
    if (content === undefined || diagnostics.length > 0) {
      throw new Error(`server/skills/${key}: ${JSON.stringify(diagnostics)}`)
    }
    return [key, content.digest]
  })
  return `${JSON.stringify(Object.fromEntries(digests), undefined, 2)}\n`
}
