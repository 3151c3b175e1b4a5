/** What the tasks of a run made: a list, and the content of each. */
import { Readable } from 'node:stream'
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { artifactsOf } from '../../domains/stage/artifacts.ts'
import type { Door } from '../door.ts'
import { file, id, runParams, who, type Opened } from '../house.ts'
import { cardArtifact } from '../recipe-shapes.ts'

const tags = ['runs']
const right = 'runs:read' as const

export const artifactSchema = z
  .object({
    id: z.int(),
    run: z.int(),
    task: z.int(),
    name: z.string(),
    mediaType: z.string(),
    size: z.int().describe('Bytes.'),
    digest: z.string().describe('sha256, hex.'),
    at: z.date(),
  })
  .meta({ id: 'Artifact' })

export function artifactRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/runs/:id/artifacts',
    config: { right },
    schema: {
      tags,
      operationId: 'listArtifacts',
      summary: 'What its tasks made.',
      params: runParams,
      response: {
        200: z.object({
          artifacts: z.array(artifactSchema),
          card: z.array(cardArtifact).describe('Of a stage run: documents and links that now hang on its card.'),
        }),
      },
    },
    async handler(request) {
      const { engine } = house()
      const { id: run } = await engine.run(who(request), request.params.id)
      return {
        artifacts: await engine.artifacts(who(request), run),
        card: await engine.as(who(request), (tx) => artifactsOf(tx, { run })),
      }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/artifacts/:artifact',
    exposeHeadRoute: false,
    config: { right },
    schema: {
      tags,
      operationId: 'getArtifact',
      summary: 'Its content, as a file.',
      description: 'Whatever it is, it comes as a download: a browser runs nothing of it.',
      params: runParams.extend({ artifact: id }),
      response: {
        200: { description: 'The file.', content: { 'application/octet-stream': { schema: file } } },
      },
    },
    async handler(request, reply) {
      const { engine } = house()
      await engine.run(who(request), request.params.id)
      const all = await engine.artifacts(who(request), request.params.id)
      const found = all.find((one) => one.id === request.params.artifact)
      if (found === undefined) throw new Refusal('NO_SUCH_ARTIFACT', `Run ${request.params.id} has no such artifact.`)
      const file = encodeURIComponent((found.name.split('/').at(-1) ?? 'artifact').toWellFormed()).replaceAll(
        "'",
        '%27',
      )
      return reply
        .type('application/octet-stream')
        .header('content-length', found.size)
        .header(
          'x-artifact-media-type',
          /^[\w.+/;= -]{1,255}$/.test(found.mediaType) ? found.mediaType : 'application/octet-stream',
        )
        .header('content-disposition', `attachment; filename*=UTF-8''${file}`)
        .header('etag', `"${found.digest}"`)
        .send(Readable.from(engine.readArtifact(who(request), found.id)))
    },
  })
}
