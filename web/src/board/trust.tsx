/** How far a skill is trusted; the colour is never the only sign. */
import { FlaskConical, ShieldCheck, Users } from 'lucide-react'
import type { Skill } from '../api.ts'
import { Badge, Tooltip } from '../ui/index.ts'
import { words } from '../words/skills.ts'

const LOOKS = {
  vetted: ['good', ShieldCheck],
  community: ['warn', Users],
  experimental: ['held', FlaskConical],
} as const

export function TrustMark({ of }: { of: Skill['trustLevel'] }) {
  const [tone, icon] = LOOKS[of]
  return (
    <Tooltip text={words.trustSays[of]}>
      <span>
        <Badge tone={tone} icon={icon}>
          {words.trusts[of]}
        </Badge>
      </span>
    </Tooltip>
  )
}
