/** Pages for a person's browser: one small frame, no scripts, nothing from elsewhere. */
import { createHash } from 'node:crypto'

const STYLE = `
:root{color-scheme:light dark;--ink:#1c1f23;--dim:#667085;--paper:#fbfaf8;--line:#e3e0da;--accent:#0b6e6e;--box:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e7e5e1;--dim:#98a2ad;--paper:#15181b;--line:#2b3036;--accent:#5ec4bd;--box:#1b1f23}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 5rem}h1{font-size:2rem;letter-spacing:-.02em;margin:0 0 .3rem}
h2{margin:2.5rem 0 .6rem;font-size:1.2rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}p{margin:.4rem 0}
a{color:var(--accent)}code,pre{font:13.5px/1.5 ui-monospace,monospace}pre{background:var(--box);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;overflow:auto}
.dim{color:var(--dim)}article{background:var(--box);border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem;margin:.7rem 0}
article h3{margin:0;font:600 15px/1.5 ui-monospace,monospace}article h3 b{color:var(--accent);display:inline-block;min-width:4.2rem}
table{border-collapse:collapse;width:100%;font-size:14px;margin:.4rem 0}td,th{border-top:1px solid var(--line);padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top}
details{margin:.3rem 0}summary{cursor:pointer;color:var(--dim)}nav a{margin-right:1rem}`

/** What the browser may do with such a page: show it. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

export function pageOf(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${safe(title)}</title><style>${STYLE}</style><main>${body}</main></html>\n`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function safe(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}

/** A sentence with `code` in backticks. */
export function prose(text: string): string {
  return safe(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}
