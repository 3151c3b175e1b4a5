/** What is wrong with the files of a skill, each with its line. */
import { CircleX, TriangleAlert } from 'lucide-react'
import type { SkillDiagnostic } from '../api.ts'
import { one as words } from '../words/skills.ts'

export function Remarks({ of }: { of: readonly SkillDiagnostic[] }) {
  return (
    <ul className="flex flex-col gap-1.5">
      {of.map(({ severity, code, file, line, message }, n) => (
        <li key={n} className="flex items-start gap-2">
          {severity === 'error' ? (
            <CircleX aria-label={severity} size={15} className="mt-1 shrink-0 text-bad" />
          ) : (
            <TriangleAlert aria-label={severity} size={15} className="mt-1 shrink-0 text-warn" />
          )}
          <span className="min-w-0 [overflow-wrap:anywhere]">
            {message}{' '}
            <span className="font-mono text-xs text-faint">
              {file}
              {line === null ? '' : ` ${words.line(line)}`} · {code}
            </span>
          </span>
        </li>
      ))}
    </ul>
  )
}
