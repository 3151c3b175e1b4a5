/**
 * A run's transcripts as a file, from a cursor in the database as fast as the
 * reader takes them.  What is refused is refused before the first byte; what fails
 * later breaks the connection, so that half a file never looks like a whole one.
 */
import { PassThrough } from 'node:stream'
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { exportFileName } from '../../domains/probe/csv.ts'
import { exportRun } from '../../domains/probe/export.ts'
import type { Door } from '../door.ts'
import { file, flag, runParams, who, type Opened } from '../house.ts'

/** Exports at a time: each holds a connection and a snapshot. */
export const MOST_EXPORTS = 4
/** Milliseconds in which a reader must take something. */
const STALL = 60_000

const MEDIA = { csv: 'text/csv; charset=utf-8', jsonl: 'application/x-ndjson; charset=utf-8' } as const

export function exportRoutes(door: Door, house: Opened, stall = STALL): void {
  let underWay = 0
  for (const format of ['csv', 'jsonl'] as const) {
    door.route({
      method: 'GET',
      url: `/api/export/runs/:id/${format}`,
      exposeHeadRoute: false,
      config: { right: 'exports:read' },
      schema: {
        tags: ['results'],
        operationId: `export${format === 'csv' ? 'Csv' : 'Jsonl'}`,
        summary:
          format === 'csv'
            ? 'The transcripts as CSV (RFC 4180, with a byte order mark).'
            : 'The transcripts as JSON, one a line.',
        description: 'Streamed; a failure in the middle breaks the connection instead of ending the file.',
        params: runParams,
        querystring: z.strictObject(
          format === 'csv'
            ? {
                columns: z
                  .enum(['contract', 'all'])
                  .default('contract')
                  .describe('The nine of the contract, or everything but texts.'),
                texts: flag.describe('Adds the prompt and the answer.'),
              }
            : {},
        ),
        response: {
          200: { description: 'The file.', content: { [MEDIA[format].split(';')[0] ?? '']: { schema: file } } },
        },
      },
      async handler(request, reply) {
        if (underWay >= MOST_EXPORTS) {
          throw new Refusal('TOO_MANY_EXPORTS', 'As many exports as this server makes at a time are under way.')
        }
        const { id } = request.params
        const { columns = 'contract', texts = false } = request.query as {
          columns?: 'contract' | 'all'
          texts?: boolean
        }
        const out = new PassThrough()
        // Whoever reads it meets its errors; nobody may do so yet.
        out.on('error', () => {})
        const gone = () => out.destroy()
        reply.raw.on('close', gone)
        underWay += 1
        const begun = new Promise<void>((resolve, reject) => {
          const write = async (text: string) => {
            resolve()
            if (out.destroyed) throw new Error('the reader is gone')
            if (!out.write(text)) await taken(out, stall)
          }
          exportRun(house().exports, who(request), id, { format, columns, texts }, write)
            .then(
              () => {
                // A file of no lines has begun too.
                resolve()
                out.end()
              },
              (error: unknown) => {
                reject(error)
                if (!out.destroyed) request.log.warn({ reqId: request.id, run: id, code: 'EXPORT_BROKE', err: error })
                out.destroy(error instanceof Error ? error : new Error('the export failed'))
              },
            )
            .finally(() => {
              underWay -= 1
              reply.raw.off('close', gone)
            })
        })
        await begun
        house().accesses.saw(who(request), { run: id })
        return reply
          .type(MEDIA[format])
          .header('content-disposition', `attachment; filename="${exportFileName(String(id), new Date(), format)}"`)
          .header('access-control-expose-headers', 'content-disposition')
          .send(out)
      },
    })
  }
}

function taken(out: PassThrough, stall: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(new Error('the reader takes nothing')), stall)
    const drained = () => end()
    const closed = () => end(new Error('the reader is gone'))
    function end(error?: Error) {
      clearTimeout(timer)
      out.off('drain', drained)
      out.off('close', closed)
      if (error === undefined) resolve()
      else reject(error)
    }
    out.once('drain', drained)
    out.once('close', closed)
  })
}
