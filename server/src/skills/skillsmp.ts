/**
 * SkillsMP.  Its API is described by others in two forms, `{success, data: {skills,
 * pagination}}` and `{data: […], page, total, hasMore}`; both are read.  It lists where
 * a skill's files lie and has none of them.
 */
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { withoutControls } from './diagnostics.ts'
import type { Listing, Listings, Marketplace } from './marketplace.ts'

export interface SkillsMpOptions {
  readonly key: string | undefined
  /** Without a slash at its end. */
  readonly baseUrl: string
  /** Milliseconds for one answer. */
  readonly timeout?: number
}

const TIMEOUT = 15_000
/** On one page. */
const MOST = 100
/** Bytes of an answer. */
const LARGEST = 4 * 1024 * 1024

const text = (most: number) => z.string().transform((it) => withoutControls(it).slice(0, most).toWellFormed())
const word = text(300).nullish()
const link = z
  .string()
  .max(2_000)
  .nullish()
  .transform((it) => (typeof it === 'string' && /^https?:\/\//.test(it) && URL.canParse(it) ? it : null))

const listed = z
  .looseObject({
    id: z.union([z.string().min(1).max(300), z.number()]).transform(String),
    name: text(300),
    description: text(4_000).nullish(),
    author: z.union([z.string(), z.looseObject({ name: z.string() })]).nullish(),
    githubUrl: link,
    repository: link,
    skillUrl: link,
    url: link,
    stars: z.number().nullish(),
    updatedAt: z.union([z.string(), z.number()]).nullish(),
  })
  .transform((it): Listing => {
    const author = typeof it.author === 'object' ? it.author?.name : it.author
    return {
      id: it.id,
      name: it.name,
      description: it.description ?? '',
      author: word.parse(author) ?? null,
      url: it.skillUrl ?? it.url,
      repository: it.githubUrl ?? it.repository,
      stars: it.stars ?? null,
      updatedAt: it.updatedAt === null || it.updatedAt === undefined ? null : String(it.updatedAt).slice(0, 40),
    }
  })

const count = z.number().nullish()
const found = z.union([
  z
    .looseObject({
      data: z.looseObject({
        skills: z.array(listed),
        pagination: z.looseObject({ total: count, hasNext: z.boolean().nullish(), totalPages: count }).nullish(),
      }),
    })
    .transform(({ data }) => ({
      items: data.skills,
      total: data.pagination?.total ?? null,
      more: data.pagination?.hasNext ?? undefined,
    })),
  z
    .looseObject({ data: z.array(listed), total: count, hasMore: z.boolean().nullish() })
    .transform(({ data, total, hasMore }) => ({ items: data, total: total ?? null, more: hasMore ?? undefined })),
])

const one = z.union([
  z.looseObject({ data: z.looseObject({ skill: listed }) }).transform((it) => it.data.skill),
  z.looseObject({ data: listed }).transform((it) => it.data),
  listed,
])

export function openSkillsMp({ key, baseUrl, timeout = TIMEOUT }: SkillsMpOptions): Marketplace {
  async function ask(path: string, missing: () => Refusal): Promise<unknown> {
    if (key === undefined) {
      throw new Refusal('MARKETPLACE_OFF', 'The marketplace SkillsMP is off here: there is no key for it.', {
        remedy: 'Set SKILLMP_API_KEY, and start again.',
      })
    }
    if (!/^[\x21-\x7e]{1,500}$/.test(key)) throw badKey()
    let response: Response
    let body: string
    try {
      response = await fetch(`${baseUrl}${path}`, {
        headers: { authorization: `Bearer ${key}`, accept: 'application/json' },
        // A key follows nobody elsewhere.
        redirect: 'error',
        signal: AbortSignal.timeout(timeout),
      })
      body = await bodyOf(response)
    } catch (error) {
      if (error instanceof Refusal) throw error
      throw new Refusal('MARKETPLACE_AWAY', 'SkillsMP does not answer.', { remedy: 'Try again later.', cause: error })
    }
    const said = parsed(body)
    if (response.ok) return said
    const code = codeOf(said)
    if (response.status === 429 || code === 'DAILY_QUOTA_EXCEEDED') {
      throw new Refusal(
        'MARKETPLACE_QUOTA',
        'SkillsMP answers no more today: the quota of the key is used up, or it was asked too fast.',
        {
          remedy: 'Try again later.',
        },
      )
    }
    if (response.status === 401 || response.status === 403 || /^(MISSING|INVALID)_API_KEY$/.test(code)) throw badKey()
    if (response.status === 404) throw missing()
    if (response.status >= 500)
      throw new Refusal('MARKETPLACE_AWAY', `SkillsMP is not well (${response.status}).`, {
        remedy: 'Try again later.',
      })
    throw odd()
  }

  async function search({ q, page, limit: wanted }: Parameters<Marketplace['search']>[0]): Promise<Listings> {
    const limit = Math.min(wanted, MOST)
    const query = new URLSearchParams({ q, page: String(page), limit: String(limit) })
    const read = found.safeParse(await ask(`/skills/search?${query}`, odd))
    if (!read.success) throw odd()
    const { items, total, more } = read.data
    return { items, page, total, more: more ?? (total === null ? items.length === limit : page * limit < total) }
  }

  return {
    search,
    async fetch(id) {
      const missing = () => new Refusal('NO_SUCH_LISTING', 'SkillsMP lists no skill of that id.')
      try {
        const read = one.safeParse(await ask(`/skills/${encodeURIComponent(id)}`, missing))
        if (!read.success || read.data.id !== id) throw odd()
        return read.data
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'NO_SUCH_LISTING') throw error
        // One of the two forms has no such address: the search knows the id too.
        const same = (await search({ q: id, page: 1, limit: MOST })).items.find((item) => item.id === id)
        if (same === undefined) throw error
        return same
      }
    },
  }
}

const badKey = () =>
  new Refusal('MARKETPLACE_KEY', 'SkillsMP does not take the key.', { remedy: 'Look at SKILLMP_API_KEY.' })
const odd = () => new Refusal('MARKETPLACE_ODD', 'SkillsMP answers what is not understood here.')

async function bodyOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body ?? []) {
    size += part.length
    if (size > LARGEST) throw odd()
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function codeOf(said: unknown): string {
  const read = z.looseObject({ error: z.looseObject({ code: z.string() }) }).safeParse(said)
  return read.success ? read.data.error.code : ''
}
