/** What a worker of this program meets that nobody named: told once in a while, never stored. */
import { isConnectionLoss, Refusal, sqlState } from '@millrace/engine'

const AGAIN = 10_000

export function reporter(tell: (line: string) => void): (error: unknown) => void {
  const told = new Map<string, number>()
  return (error) => {
    const line =
      sqlState(error) === '53300'
        ? 'The database has no connection left for this worker; waiting for one.'
        : isConnectionLoss(error)
          ? 'The database is away; waiting for it.'
          : error instanceof Refusal
            ? `${error.message} ${error.remedy ?? ''}`
            : `A worker met ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
    if (Date.now() - (told.get(line) ?? 0) < AGAIN) return
    if (told.size > 100) told.clear()
    told.set(line, Date.now())
    tell(line)
  }
}
