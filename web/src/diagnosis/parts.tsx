/** What several pages of diagnosis show: the warning, a status, red flags, next steps. */
import { ShieldAlert, TriangleAlert } from 'lucide-react'
import type { DiagnosisLine, PatientResult } from '../api.ts'
import { Badge, Card } from '../ui/index.ts'
import { words } from '../words/diagnosis.ts'

/** So much of an id tells it apart. */
export const short = (id: string) => id.slice(0, 8)

export function Support({ patient = false }: { patient?: boolean }) {
  return (
    <p className="flex items-center gap-2 rounded-md bg-warn-wash px-3 py-2 text-sm text-warn">
      <ShieldAlert aria-hidden size={16} className="shrink-0" />
      <span>
        {words.support} {patient ? words.forPatient : null}
      </span>
    </p>
  )
}

const TONES = { queued: 'plain', in_progress: 'busy', completed: 'good', failed: 'bad' } as const

export function Status({ of }: { of: DiagnosisLine['status'] }) {
  return <Badge tone={TONES[of]}>{words.statuses[of]}</Badge>
}

/** Below the line that the server draws, it is said that the model was not sure. */
export function Confidence({ value, uncertain }: { value: number; uncertain: boolean }) {
  return (
    <span className="inline-flex flex-wrap items-center gap-2">
      <span className="font-semibold">{Math.round(100 * value)} %</span>
      {uncertain ? (
        <Badge tone="warn" icon={TriangleAlert}>
          {words.uncertain}
        </Badge>
      ) : (
        <span className="text-sm text-dim">{words.ofModel}</span>
      )}
    </span>
  )
}

const URGENCY = { routine: 'plain', soon: 'warn', urgent: 'bad' } as const
const PRIORITY = { low: 'plain', medium: 'warn', high: 'bad' } as const

export function RedFlags({ of }: { of: PatientResult['red_flags'] }) {
  return (
    <Card title={words.redFlags} flush>
      {of.length === 0 ? <p className="p-4 text-dim">{words.noneNamed}</p> : null}
      <ul>
        {of.map(({ flag, urgency, action }, i) => (
          <li key={`${i} ${flag}`} className="border-b border-line px-4 py-2.5 last:border-b-0">
            <p className="flex items-start justify-between gap-3">
              <span className="min-w-0 font-medium">{flag}</span>
              <Badge tone={URGENCY[urgency]}>{words.urgency[urgency]}</Badge>
            </p>
            <p className="text-dim">{action}</p>
          </li>
        ))}
      </ul>
    </Card>
  )
}

export function NextSteps({ of }: { of: PatientResult['next_steps'] }) {
  return (
    <Card title={words.nextSteps} flush>
      {of.length === 0 ? <p className="p-4 text-dim">{words.noneNamed}</p> : null}
      <ul>
        {of.map(({ step, priority }, i) => (
          <li
            key={`${i} ${step}`}
            className="flex items-start justify-between gap-3 border-b border-line px-4 py-2.5 last:border-b-0"
          >
            <span className="min-w-0">{step}</span>
            <Badge tone={PRIORITY[priority]}>{words.priority[priority]}</Badge>
          </li>
        ))}
      </ul>
    </Card>
  )
}
