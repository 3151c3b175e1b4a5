/** `millrace webhooks …`: who is called when people are told something. */
import { operator, WORKSPACE } from '../app.ts'
import type { NoticeKind } from '../domains/stage/notices.ts'
import { addWebhook, changeWebhook, deliveriesOf, listWebhooks, removeWebhook } from '../domains/stage/webhooks.ts'
import { remark, say, table, when } from './screen.ts'
import { withApp } from './session.ts'

interface Json {
  readonly json?: boolean
}

export function list(options: Json): Promise<number> {
  return withApp(async ({ engine }) => {
    const found = await listWebhooks(engine, operator, WORKSPACE)
    if (options.json === true) say(JSON.stringify({ webhooks: found }))
    else if (found.length === 0) say('Nobody is called. `millrace webhooks add URL` adds an address.')
    else {
      const rows = found.map(({ id, url, kinds, enabled, last }) => [
        id,
        enabled ? 'on' : 'off',
        kinds.length === 0 ? 'all' : kinds.join(' '),
        answered(last?.status),
        url,
      ])
      say(table(['webhook', '', 'told of', 'last answer', 'address'], rows))
    }
    return 0
  })
}

const answered = (status: number | null | undefined) => status ?? '–'

export function add(url: string, options: Json & { kind?: readonly string[] }): Promise<number> {
  return withApp(async ({ engine, keys }) => {
    const kinds = (options.kind ?? []) as readonly NoticeKind[]
    const { webhook, secret } = await addWebhook(engine, operator, keys, { workspace: WORKSPACE, url, kinds })
    if (options.json === true) say(JSON.stringify({ webhook, secret }))
    else {
      remark(`Webhook ${webhook} is there. This secret signs what is sent, and is not told again:`)
      say(secret)
    }
    return 0
  })
}

const DONE = { enable: 'is called again', disable: 'is called no more', remove: 'is gone' } as const

export function change(id: number, what: keyof typeof DONE, options: Json): Promise<number> {
  return withApp(async ({ engine }) => {
    if (what === 'remove') await removeWebhook(engine, operator, id)
    else await changeWebhook(engine, operator, id, { enabled: what === 'enable' })
    say(options.json === true ? JSON.stringify({ webhook: id }) : `Webhook ${id} ${DONE[what]}.`)
    return 0
  })
}

export function deliveries(id: number, options: Json & { limit: number }): Promise<number> {
  return withApp(async ({ engine }) => {
    const found = await deliveriesOf(engine, operator, id, { limit: options.limit })
    if (options.json === true) say(JSON.stringify({ deliveries: found }))
    else if (found.length === 0) say('Nothing was sent yet.')
    else {
      const rows = found.map((one) => [
        one.notification,
        one.kind,
        when(one.createdAt),
        one.run,
        one.runStatus,
        answered(one.status),
      ])
      say(table(['notification', 'kind', 'when', 'run', 'status', 'answer'], rows))
    }
    return 0
  })
}
