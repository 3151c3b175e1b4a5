/** What the model was given, as it was sent. */
import type { DiagnosisRun } from '../api.ts'
import { Badge, Card, JsonView, Time } from '../ui/index.ts'
import { words } from '../words/diagnosis.ts'

export function Pack({ of: pack }: { of: DiagnosisRun['context_pack'] }) {
  if (pack === null)
    return (
      <Card title={words.pack}>
        <p className="text-dim">{words.noPack}</p>
      </Card>
    )
  const { assessment_data: data, funnel_config: funnel, patient_context: about, scores = [], history } = pack
  const notes = history?.notes ?? []
  const earlier = history?.earlier ?? []
  return (
    <Card title={words.pack} flush>
      <p className="border-b border-line px-4 py-2.5 text-sm text-dim">
        {funnel.funnel.replaceAll('-', ' ').replaceAll('_', ' ')}, {words.version(funnel.version)}
        {about.age_band === undefined ? '' : ` · ${about.age_band}`}
        {about.sex === undefined ? '' : ` · ${about.sex}`} · {words.packLead}
      </p>
      <table aria-label={words.pack} className="w-full border-collapse">
        <thead className="text-left text-sm text-dim">
          <tr className="border-b border-line">
            <th scope="col" className="px-4 py-2 font-medium">
              {words.question}
            </th>
            <th scope="col" className="px-4 py-2 font-medium">
              {words.answer}
            </th>
          </tr>
        </thead>
        <tbody>
          {data.answers.map(({ question_id: id, label, value }) => (
            <tr key={id} className="border-b border-line align-top last:border-b-0">
              <td className="px-4 py-2 text-dim">{label}</td>
              <td className="px-4 py-2 break-words whitespace-pre-wrap">
                {typeof value === 'string' ? value : JSON.stringify(value)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {scores.length === 0 ? null : (
        <p className="flex flex-wrap items-center gap-2 border-t border-line px-4 py-2.5">
          <span className="text-sm text-dim">{words.scores}</span>
          {scores.map(({ name, score, level }) => (
            <Badge key={name}>
              {name} {score} · {level}
            </Badge>
          ))}
        </p>
      )}
      {notes.length === 0 ? null : (
        <ul className="border-t border-line px-4 py-2.5">
          {notes.map(({ type, content, created_at: at }, i) => (
            <li key={`${i} ${at}`}>
              <span className="text-sm text-dim">
                {words.note} · {type} · <Time at={at} />
              </span>
              <p className="whitespace-pre-wrap">{content}</p>
            </li>
          ))}
        </ul>
      )}
      {earlier.length === 0 ? null : (
        <ul className="border-t border-line px-4 py-2.5">
          {earlier.map(({ assessment_id: id, funnel: name, completed_at: at, scores: then }) => (
            <li key={id} className="flex flex-wrap items-center gap-2 py-0.5">
              <span className="text-sm text-dim">
                {words.history} · {name.replaceAll('-', ' ').replaceAll('_', ' ')} · <Time at={at} />
              </span>
              {then.map(({ name: score, score: value, level }) => (
                <Badge key={score}>
                  {score} {value} · {level}
                </Badge>
              ))}
            </li>
          ))}
        </ul>
      )}
      <details className="border-t border-line px-4 py-2.5">
        <summary className="text-sm text-dim">{words.asJson}</summary>
        <div className="mt-2">
          <JsonView value={pack} label={words.pack} />
        </div>
      </details>
    </Card>
  )
}
