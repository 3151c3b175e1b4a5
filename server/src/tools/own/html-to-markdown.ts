/** HTML to Markdown: what a reader sees, without what only browsers need. */
import { z } from 'zod'
import { defineTool } from '../runner.ts'
import { parseHtml } from './html-tree.ts'
import { toMarkdown } from './markdown.ts'

export default defineTool({
  name: 'html_to_markdown',
  version: '1.0.0',
  description:
    'Turns HTML into Markdown: headings, lists, tables, quotes, code, links and images; scripts and styles are left out.',
  input: z.strictObject({
    html: z.string().max(4_000_000),
    base: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('What links in it are relative to.'),
  }),
  output: z.object({ markdown: z.string(), title: z.string().nullable(), links: z.int(), images: z.int() }),
  run: ({ html, base }) => toMarkdown(parseHtml(html), base),
})
