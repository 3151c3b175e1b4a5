/** Who did something, by name. */
import { useAsked } from '../asked.ts'
import { words } from '../words/shell.ts'
import { useMe, workspaceOf } from './me.ts'

/** `user:3`, `automation`, `worker:3` as a person says it. */
export function Actor({ of }: { of: string }) {
  const id = workspaceOf(useMe())?.id ?? 0
  const [asked] = useAsked('/api/workspaces/{id}/people', { path: { id } }, { when: id > 0 })
  return <>{actorName(of, asked.data?.people ?? [])}</>
}

function actorName(actor: string, people: readonly { readonly user: number; readonly name: string }[]): string {
  const [kind = '', ...rest] = actor.split(':')
  const name = rest.join(':')
  if (kind === 'user') {
    if (!/^[0-9]+$/.test(name)) return name
    return people.find(({ user }) => user === Number(name))?.name ?? words.actors.user(name)
  }
  if (kind === 'worker') return name === '' ? words.actors.worker : `${words.actors.worker} (${name})`
  if (kind === 'run') return words.actors.run(name)
  if (kind === 'automation') return words.actors.automation
  return kind === 'file' ? words.actors.file : actor
}
