/** A text file that a person names. */
import { readFile, stat } from 'node:fs/promises'
import { Refusal } from '@millrace/engine'
import { grouped } from './screen.ts'

const LARGEST = 1024 * 1024

/** @throws Refusal NO_SUCH_FILE, FILE_TOO_LARGE, with what to do */
export async function readTextFile(
  file: string,
  about: { what: string; missing: string; tooLarge: string },
): Promise<string> {
  const found = await stat(file).catch(() => undefined)
  if (found === undefined || !found.isFile()) {
    throw new Refusal('NO_SUCH_FILE', `There is no file ${file}.`, { remedy: about.missing })
  }
  if (found.size > LARGEST) {
    throw new Refusal(
      'FILE_TOO_LARGE',
      `${file} has ${grouped(found.size)} bytes; ${about.what} may have ${grouped(LARGEST)}.`,
      { remedy: about.tooLarge },
    )
  }
  return readFile(file, 'utf8')
}
