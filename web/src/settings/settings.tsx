/** Settings: each part with an address; only those that one may see. */
import { lazy, Suspense } from 'react'
import { useParams } from 'wouter'
import { may, useMe } from '../shell/me.ts'
import { Page, Skeleton, Tabs } from '../ui/index.ts'
import { words } from '../words/settings.ts'

const Profile = lazy(() => import('./profile.tsx'))
const Appearance = lazy(() => import('./appearance.tsx'))
const Members = lazy(() => import('./members.tsx'))
const Keys = lazy(() => import('./keys.tsx'))
const ProviderKeys = lazy(() => import('./provider-keys.tsx'))
const Money = lazy(() => import('./money.tsx'))
const Prices = lazy(() => import('./prices.tsx'))
const Retention = lazy(() => import('./retention.tsx'))
const Webhooks = lazy(() => import('./webhooks.tsx'))
const Accounts = lazy(() => import('./accounts.tsx'))
const Audit = lazy(() => import('./audit.tsx'))

export default function Settings() {
  const { part = '' } = useParams<{ part?: string }>()
  const me = useMe()
  const admin = may(me, 'admin')
  const parts = [
    { id: '', name: words.profile, page: Profile, shown: true },
    { id: 'appearance', name: words.appearance, page: Appearance, shown: true },
    { id: 'keys', name: words.keys, page: Keys, shown: me.user !== null },
    { id: 'usage', name: words.money, page: Money, shown: true },
    { id: 'prices', name: words.prices, page: Prices, shown: true },
    { id: 'members', name: words.members, page: Members, shown: admin },
    { id: 'accounts', name: words.accounts, page: Accounts, shown: admin && me.operator },
    { id: 'provider-keys', name: words.providerKeys, page: ProviderKeys, shown: admin && me.operator },
    { id: 'webhooks', name: words.webhooks, page: Webhooks, shown: admin },
    { id: 'retention', name: words.retention, page: Retention, shown: admin },
    { id: 'audit', name: words.audit, page: Audit, shown: admin },
  ]
  const Shown = (parts.find(({ id }) => id === part) ?? parts[0])?.page ?? Profile
  return (
    <Page title={words.title}>
      <Tabs
        label={words.parts}
        of={parts
          .filter(({ shown }) => shown)
          .map(({ id, name }) => ({ name, href: id === '' ? '/settings' : `/settings/${id}` }))}
      />
      <Suspense fallback={<Skeleton lines={5} />}>
        <Shown />
      </Suspense>
    </Page>
  )
}
