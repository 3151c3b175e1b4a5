/**
 * What can be read over MCP by an address: shelves, each with addresses of its own that
 * begin alike.  A shelf asks for the rights itself; who has none of them sees it empty.
 */
import type { Resource, ResourceTemplateType } from '@modelcontextprotocol/server'
import type { Asking } from './asking.ts'

export interface Page {
  /** The number that the page before ended with. */
  readonly after: number | undefined
  readonly limit: number
}

export interface Content {
  readonly mimeType: string
  readonly text?: string
  /** Base64, of what is no text. */
  readonly blob?: string
}

export interface Shelf {
  /** With what its addresses begin. */
  readonly begins: string
  readonly templates: readonly ResourceTemplateType[]
  list(asking: Asking, page: Page): Promise<{ resources: Resource[]; next: number | undefined }>
  /** Undefined where nothing has this address. @throws Refusal */
  read(asking: Asking, uri: string): Promise<Content | undefined>
  /** Values for a part of a template's address, given the others. */
  complete(asking: Asking, part: string, others: Readonly<Record<string, string>>): Promise<readonly string[]>
  /** Gives whenever the thing has changed; undefined where it does not, or is not there. @throws Refusal */
  watch(asking: Asking, uri: string, signal: AbortSignal): Promise<AsyncIterable<unknown> | undefined>
}

export const json = (value: unknown): Content => ({ mimeType: 'application/json', text: JSON.stringify(value) })
