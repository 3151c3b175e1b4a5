/** The tools that come with the product.  What computes for long has a thread; what only asks has none. */
import { carriedTool, type Tool } from '../runner.ts'
import type { Threads } from '../thread/threads.ts'
import textStatistics from './text-statistics.ts'

export function ownTools(threads: Threads): readonly Tool[] {
  const inThread = (tool: Tool, file: string) => {
    // Beside the source it is the source; in the package both are JavaScript.
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const url = new URL(`${file}.${ending}`, import.meta.url)
    return carriedTool(tool, 'thread', (input, hand) => threads.call(url, input, hand))
  }
  return [inThread(textStatistics, './text-statistics')]
}
