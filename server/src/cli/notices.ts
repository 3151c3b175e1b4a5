/** `millrace notifications …`: what people are told, and what of it they have read. */
import { Refusal } from '@millrace/engine'
import { operator, WORKSPACE } from '../app.ts'
import { listNotices, markRead, unreadCount } from '../domains/stage/notices.ts'
import { say, table, when } from './screen.ts'
import { withApp } from './session.ts'

export function list(options: { unread?: boolean; limit: number; json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const { unread = false, limit } = options
    const found = await listNotices(engine, operator, { workspace: WORKSPACE, unread, limit })
    const count = await unreadCount(engine, operator, WORKSPACE)
    if (options.json === true) say(JSON.stringify({ notifications: found, unread: count }))
    else if (found.length === 0) say(unread ? 'You have read everything.' : 'Nobody was told anything yet.')
    else {
      const rows = found.map((one) => [one.id, one.read ? '' : 'new', when(one.at), one.card.title, one.sentence])
      say(table(['number', '', 'when', 'card', 'what'], rows))
    }
    return 0
  })
}

export function read(ids: readonly number[], options: { all?: boolean; json?: boolean }): Promise<number> {
  if ((options.all === true) === ids.length > 0) {
    throw new Refusal('INVALID_INPUT', 'Name the notifications that you have read, or --all.')
  }
  return withApp(async ({ engine }) => {
    const [newest] = options.all === true ? await listNotices(engine, operator, { workspace: WORKSPACE, limit: 1 }) : []
    const upTo = newest === undefined ? {} : { upTo: newest.id }
    await markRead(engine, operator, WORKSPACE, { ids, ...upTo })
    const unread = await unreadCount(engine, operator, WORKSPACE)
    if (options.json === true) say(JSON.stringify({ unread }))
    else say(unread === 0 ? 'You have read everything.' : `${unread} are left that you have not read.`)
    return 0
  })
}
