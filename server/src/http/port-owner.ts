/** Who listens on a port of this machine?  Linux says it in /proc, about the processes that one may look at. */
import { readdir, readFile, readlink } from 'node:fs/promises'

const LISTENING = '0A'

/** `name (process 123)`, or undefined where nobody can say. */
export async function portOwner(port: number): Promise<string | undefined> {
  const inodes = new Set(
    (await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => ''))))
      .flatMap((text) => text.split('\n').slice(1))
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === LISTENING && Number.parseInt(fields[1]?.split(':')[1] ?? '', 16) === port)
      .map((fields) => `socket:[${fields[9]}]`),
  )
  if (inodes.size === 0) return undefined
  for (const process of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(process)) continue
    for (const descriptor of await readdir(`/proc/${process}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${process}/fd/${descriptor}`).catch(() => '')
      if (!inodes.has(target)) continue
      const name = (await readFile(`/proc/${process}/comm`, 'utf8').catch(() => '')).trim()
      return `${name === '' ? 'a program' : name} (process ${process})`
    }
  }
  return undefined
}
