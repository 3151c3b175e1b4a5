/** Fetches a page or a document from the public internet, and from nowhere else. */
import { z } from 'zod'
import { defineTool } from '../runner.ts'
import { fetchPublic } from './public-fetch.ts'

export default defineTool({
  name: 'http_fetch',
  version: '1.0.0',
  description:
    'Gets a text or JSON document by http or https. Addresses that are not public are refused, also behind a name or a redirect.',
  timeoutMs: 30_000,
  concurrency: 16,
  input: z.strictObject({
    url: z.url({ protocol: /^https?$/ }).max(2_000),
    method: z.enum(['GET', 'HEAD']).default('GET'),
    accept: z
      .string()
      .regex(/^[\w/*+.,;= -]{1,200}$/)
      .default('*/*'),
    maxBytes: z.int().min(1).max(4_000_000).default(1_000_000).describe('What comes after is cut off.'),
  }),
  output: z.object({
    url: z.string().describe('Where the answer came from, after redirects.'),
    status: z.int(),
    contentType: z.string().nullable(),
    body: z.string().nullable().describe('Null for what is no text.'),
    bytes: z.int(),
    cut: z.boolean(),
    redirects: z.int(),
  }),
  errors: {
    NOT_PUBLIC: { message: 'This address is not one of the public internet.', blame: 'caller' },
    NOT_FOUND: { message: 'There is no host of that name.', blame: 'caller' },
    TOO_MANY_REDIRECTS: {
      message: 'It was redirected more than five times, or to what is no address.',
      blame: 'outside',
    },
    NOT_REACHED: { message: 'The host could not be reached.', blame: 'outside', retryable: true },
  },
  run: (asked, { signal }) => fetchPublic(asked, signal),
})
