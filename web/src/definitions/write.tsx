/** A new definition. */
import { useLocation } from 'wouter'
import { ask } from '../api.ts'
import { askAgain } from '../asked.ts'
import { may, useMe } from '../shell/me.ts'
import { Page, tell, useAct } from '../ui/index.ts'
import { editor as words, words as room } from '../words/definitions.ts'
import { cleaned, EMPTY, useDraft } from './draft.ts'
import { Editor } from './editor.tsx'

export default function Write() {
  const me = useMe()
  const [, go] = useLocation()
  const [busy, act] = useAct()
  const drafting = useDraft('new', EMPTY, 0)
  const save = () =>
    act(async () => {
      const made = await ask('post', '/api/definitions', { body: cleaned(drafting.content) })
      drafting.reset(EMPTY)
      tell(words.saved(made.version))
      askAgain('/api/definitions')
      go(`/definitions/${made.id}`)
    })
  return (
    <Page title={words.newTitle} above={[[room.title, '/definitions']]}>
      <Editor
        drafting={drafting}
        save={words.create}
        busy={busy}
        onSave={may(me, 'definitions:write') ? save : undefined}
      />
    </Page>
  )
}
