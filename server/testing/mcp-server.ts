/**
 * A server of tools that is no part of the product, as a program on stdio and as a
 * server in a test: some of its tools behave, others do not.  Its words come from a
 * file, so that a test can change what it says of itself.
 *
 *   node server/testing/mcp-server.ts WORDS.json [--old]
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { McpServer, ProtocolError, type CallToolResult, type Tool } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'

interface Words {
  /** Descriptions by tool; a tool without one is not offered. */
  readonly tools: Readonly<Record<string, string>>
  /** Where it writes what happened to it. */
  readonly diary: string
}

const INTEGERS = {
  type: 'object',
  properties: { a: { type: 'integer' }, b: { type: 'integer' } },
  required: ['a', 'b'],
}
const SUM = { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'] }
const SHAPES: Readonly<Record<string, Pick<Tool, 'inputSchema' | 'outputSchema'>>> = {
  add: { inputSchema: INTEGERS as Tool['inputSchema'], outputSchema: SUM },
  liar: { inputSchema: { type: 'object' }, outputSchema: SUM },
  farRef: { inputSchema: { type: 'object', properties: { x: { $ref: 'http://127.0.0.1:1/x.json' } } } },
}

export function strangeServer(wordsFile: string): McpServer {
  const read = () => JSON.parse(readFileSync(wordsFile, 'utf8')) as Words
  const mcp = new McpServer({ name: 'strange', version: '1' }, { capabilities: { tools: {} } })
  mcp.server.setRequestHandler('tools/list', () => ({
    tools: Object.entries(read().tools).map(([name, description]) => ({
      name,
      description,
      inputSchema: { type: 'object' as const },
      ...SHAPES[name],
    })),
  }))
  mcp.server.setRequestHandler('tools/call', async ({ params }, { mcpReq }): Promise<CallToolResult> => {
    const given = (params.arguments ?? {}) as Record<string, number>
    const text = (said: string, more: Partial<CallToolResult> = {}): CallToolResult => ({
      content: [{ type: 'text', text: said }],
      ...more,
    })
    switch (params.name) {
      case 'add':
        return text('', { structuredContent: { sum: (given['a'] ?? 0) + (given['b'] ?? 0) } })
      case 'liar':
        return text('', { structuredContent: { sum: 'CANARY' } })
      case 'say':
        return {
          content: [
            { type: 'text', text: 'hello' },
            { type: 'image', data: 'AAAA', mimeType: 'image/png' },
          ],
        }
      case 'fails':
        return text('CANARY of John Doe', { isError: true })
      case 'raises':
        throw new ProtocolError(-32050, 'CANARY of John Doe', { who: 'CANARY' })
      case 'refuses':
        throw new ProtocolError(-32602, 'CANARY of John Doe')
      case 'environment':
        return text(JSON.stringify({ names: Object.keys(process.env), pid: process.pid }))
      case 'dies':
        process.exit(3)
      // falls through
      case 'slow': {
        const token = mcpReq._meta?.progressToken
        const params = { progressToken: token ?? '', progress: 1, total: 2 }
        if (token !== undefined) await mcpReq.notify({ method: 'notifications/progress', params })
        await new Promise((resolve) => mcpReq.signal.addEventListener('abort', resolve, { once: true }))
        appendFileSync(read().diary, 'cancelled\n')
        return text('too late')
      }
      default:
        throw new ProtocolError(-32602, 'no such tool')
    }
  })
  return mcp
}

if (process.argv[1] === import.meta.filename) {
  const [, , words = '', old] = process.argv
  // As programs of before the newer revision: who speaks it is not answered, but left.
  if (old === '--old')
    process.stdin.once('data', (data) => data.toString().includes('server/discover') && process.exit(1))
  serveStdio(() => strangeServer(words))
}
