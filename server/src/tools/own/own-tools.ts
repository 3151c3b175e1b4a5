/** The tools that come with the product.  What computes has a thread; what only asks has none. */
import { carriedTool, type Tool } from '../runner.ts'
import type { Threads } from '../thread/threads.ts'
import csvProfile from './csv-profile.ts'
import htmlToMarkdown from './html-to-markdown.ts'
import httpFetch from './http-fetch.ts'
import imageAnalysis from './image-analysis.ts'
import jsonSchemaValidate from './json-schema-validate.ts'
import textStatistics from './text-statistics.ts'

export function ownTools(threads: Threads): readonly Tool[] {
  const inThread = (tool: Tool, file: string) => {
    // Beside the source it is the source; in the package both are JavaScript.
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const url = new URL(`${file}.${ending}`, import.meta.url)
    return carriedTool(tool, 'thread', (input, hand) => threads.call(url, input, hand))
  }
  return [
    inThread(csvProfile, './csv-profile'),
    inThread(htmlToMarkdown, './html-to-markdown'),
    httpFetch,
    inThread(imageAnalysis, './image-analysis'),
    inThread(jsonSchemaValidate, './json-schema-validate'),
    inThread(textStatistics, './text-statistics'),
  ]
}
