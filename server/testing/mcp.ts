/** Clients of MCP as other programs are: the package's own, in either revision of the protocol. */
import { Client, StreamableHTTPClientTransport, type ClientOptions, type Transport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { BINARY, type Installation } from './cli.ts'

export const REVISIONS = ['2026-07-28', '2025-11-25'] as const
export type Revision = (typeof REVISIONS)[number]

export interface McpClient {
  readonly client: Client
  // oxlint-disable-next-line typescript/no-explicit-any -- what came is looked at field by field
  call(name: string, input?: object, options?: Parameters<Client['callTool']>[1]): Promise<any>
  names(): Promise<string[]>
  close(): Promise<void>
}

interface How {
  readonly revision?: Revision
  readonly options?: ClientOptions
}

/** Over HTTP, with a token. */
export function mcpClient(
  url: string,
  { token = 'admin', headers = {}, ...how }: How & { token?: string; headers?: Record<string, string> } = {},
): Promise<McpClient> {
  const requestInit = { headers: { authorization: `Bearer ${token}`, ...headers } }
  return connected(new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit }), how)
}

/** `millrace mcp` in a folder, as a desktop program begins it. */
export function stdioClient(
  place: Installation,
  { args = [], env = {}, ...how }: How & { args?: readonly string[]; env?: Record<string, string> } = {},
): Promise<McpClient> {
  const command = {
    command: process.execPath,
    args: [BINARY, 'mcp', ...args],
    cwd: place.folder,
    env: { ...place.environment, ...env },
    stderr: 'ignore' as const,
  }
  return connected(new StdioClientTransport(command), how)
}

async function connected(transport: Transport, { revision = '2026-07-28', options = {} }: How): Promise<McpClient> {
  const mode = revision === '2025-11-25' ? 'legacy' : { pin: revision }
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode }, ...options })
  await client.connect(transport)
  return {
    client,
    call: (name, input = {}, given) => client.callTool({ name, arguments: { ...input } }, given),
    names: async () => (await client.listTools()).tools.map((tool) => tool.name),
    close: () => client.close(),
  }
}
