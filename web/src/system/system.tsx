/** The system: its parts, each with an address; what is looked at again, and when. */
import { RotateCw } from 'lucide-react'
import { useCallback, useMemo } from 'react'
import { useParams } from 'wouter'
import { ask } from '../api.ts'
import { askAgain } from '../asked.ts'
import { useCommands } from '../shell/keys.ts'
import { may, useMe } from '../shell/me.ts'
import { Button, Page, Tabs, tell, useAct } from '../ui/index.ts'
import { words } from '../words/system.ts'
import { Limits } from './limits.tsx'
import { Overview } from './overview.tsx'
import { Providers } from './providers.tsx'
import { Workers } from './workers.tsx'

export default function System() {
  const { part } = useParams<{ part?: string }>()
  const me = useMe()
  const [busy, act] = useAct()
  const look = useCallback(
    () =>
      act(async () => {
        if (may(me, 'admin')) await ask('post', '/api/health/providers', {})
        askAgain('/api/health/', '/api/workers', '/api/limits', '/api/usage')
        tell(words.looked)
      }),
    [me, act],
  )
  useCommands(useMemo(() => [{ name: words.refresh, keys: 'l', run: look }], [look]))
  return (
    <Page
      title={words.title}
      lead={words.lead}
      actions={
        <Button icon={RotateCw} busy={busy} onClick={look}>
          {words.refresh}
        </Button>
      }
    >
      <Tabs
        label={words.parts}
        of={[
          { name: words.overview, href: '/system' },
          { name: words.providers, href: '/system/providers' },
          { name: words.workers, href: '/system/workers' },
          ...(me.operator ? [{ name: words.limits, href: '/system/limits' }] : []),
        ]}
      />
      {part === 'providers' ? (
        <Providers />
      ) : part === 'workers' ? (
        <Workers />
      ) : part === 'limits' ? (
        <Limits />
      ) : (
        <Overview />
      )}
    </Page>
  )
}
