/** What the server's last words mean, for the person who must act on them. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { Refusal } from '../errors.ts'

interface Meaning {
  readonly words: RegExp
  readonly code: string
  readonly says: string
  readonly remedy: string
}

/** The first that fits wins: shared memory also speaks of a device without space. */
const MEANINGS: readonly Meaning[] = [
  {
    words: /shared memory segment|Cannot allocate memory|semaphore/,
    code: 'MEMORY_SHORT',
    says: 'the system gave it too little (shared) memory',
    remedy: 'Give the machine or the container more memory (docker: --shm-size).',
  },
  {
    words: /No space left on device|Disk quota exceeded/,
    code: 'DISK_FULL',
    says: 'the disk is full',
    remedy: 'Make room on the disk that holds it, then start again.',
  },
  {
    words: /using socket file|could not bind Unix address.*in use/,
    code: 'SOCKET_IN_USE',
    says: 'another server listens on its socket',
    remedy: 'Stop that server, then start again.',
  },
  {
    words: /lock file "postmaster\.pid" already exists|pre-existing shared memory block/,
    code: 'DATA_IN_USE',
    says: 'another server runs on the same data and does not answer',
    remedy: 'Stop that server, then start again.',
  },
  {
    words: /incompatible with server/,
    code: 'FOREIGN_DATA',
    says: 'the data was made by another build of PostgreSQL',
    remedy: 'Install the version of Millrace that made it.',
  },
  {
    words: /checkpoint record|invalid (?:magic|page|checksum)|control file|pg_control|backup_label|PANIC/,
    code: 'DATA_DAMAGED',
    says: 'the data is damaged',
    remedy: 'Restore it from a backup.',
  },
  {
    words: /configuration file|invalid value for parameter|unrecognized configuration parameter/,
    code: 'SERVER_MISCONFIGURED',
    says: 'its configuration file has errors',
    remedy: 'Correct postgresql.conf beside the data.',
  },
  {
    words: /wrong ownership|invalid permissions|Permission denied|Operation not permitted|Read-only file system/,
    code: 'DATA_UNREACHABLE',
    says: 'its user may not use the data or its folder',
    remedy: 'Give the folder to the user who runs PostgreSQL, mode 0700.',
  },
  {
    words: /error while loading shared libraries|symbol lookup error|version `?GLIBC/,
    code: 'BINARIES_INCOMPLETE',
    says: 'its libraries are missing or do not fit this system',
    remedy: 'Run npm rebuild, or set DATABASE_URL to a PostgreSQL of version 15 or newer.',
  },
]

/** `what` is a sentence's beginning: "PostgreSQL did not start in /x". */
export function refusalFrom(output: string, what: string, otherwise: string): Refusal {
  const last = lastComplaints(output)
  const meaning = MEANINGS.find((meaning) => last.some((line) => meaning.words.test(line)))
  if (!meaning)
    return new Refusal(otherwise, `${what}.`, { remedy: 'See the causes, or set DATABASE_URL.', causes: last })
  return new Refusal(meaning.code, `${what}: ${meaning.says}.`, { remedy: meaning.remedy, causes: last })
}

function lastComplaints(output: string): string[] {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const complaints = lines.filter((line) => /FATAL|PANIC|ERROR|HINT|error|could not|cannot|No space/.test(line))
  return (complaints.length > 0 ? complaints : lines).slice(-4)
}

/** The end of a file from an offset on, at most 64 kB. */
export function readTail(path: string, from: number): string {
  const file = openSync(path, 'r')
  try {
    const size = fstatSync(file).size
    const start = Math.max(from, size - 65_536)
    const text = Buffer.alloc(Math.max(0, size - start))
    readSync(file, text, 0, text.length, start)
    return text.toString('utf8')
  } finally {
    closeSync(file)
  }
}
