/** What saving a recipe would say, asked while one types: errors, warnings, and its skills with their trust. */
import { CircleCheck, CircleX, TriangleAlert } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Link as Way } from 'wouter'
import { ask, problemIn, type RecipeValidation } from '../api.ts'
import { Badge, Card } from '../ui/index.ts'
import { words } from '../words/recipes.ts'
import { fieldsOf, type Draft } from './recipe-draft.ts'

/** Milliseconds after the last key before the server is asked. */
const PAUSE = 300

/** What saving would say of what stands there now. */
export function useCheck(stage: string, draft: Draft | undefined): RecipeValidation | undefined {
  const [said, setSaid] = useState<RecipeValidation>()
  const text = draft === undefined ? '' : JSON.stringify(fieldsOf(draft))
  useEffect(() => {
    if (text === '') return undefined
    const given = new AbortController()
    const timer = setTimeout(() => {
      const body = JSON.parse(text) as { workspaceId?: number }
      ask('post', '/api/stage-recipes/{stage}/check', { path: { stage }, body }, { signal: given.signal }).then(
        setSaid,
        (error: unknown) => {
          if (given.signal.aborted) return
          const { detail, title } = problemIn(error)
          setSaid({ valid: false, errors: [detail ?? title], warnings: [], skillsStatus: [] })
        },
      )
    }, PAUSE)
    return () => {
      clearTimeout(timer)
      given.abort()
    }
  }, [stage, text])
  return said
}

export function Verdict({ validation }: { validation: RecipeValidation | undefined }) {
  const of = validation
  return (
    <Card title={words.check}>
      <div role="status" className="flex flex-col gap-3">
        {of === undefined ? (
          <p className="text-dim">{words.checking}</p>
        ) : (
          <>
            {of.valid ? (
              <p className="flex items-center gap-2 text-good">
                <CircleCheck aria-hidden size={16} /> {words.valid}
              </p>
            ) : (
              <div>
                <p className="flex items-center gap-2 font-medium text-bad">
                  <CircleX aria-hidden size={16} /> {words.invalid(of.errors.length)}
                </p>
                <Lines of={of.errors} />
              </div>
            )}
            {of.warnings.length === 0 ? null : (
              <div>
                <p className="flex items-center gap-2 font-medium text-warn">
                  <TriangleAlert aria-hidden size={16} /> {words.warnings}
                </p>
                <Lines of={of.warnings} />
              </div>
            )}
            {of.skillsStatus.length === 0 ? null : (
              <ul aria-label={words.skills} className="flex flex-col gap-1">
                {of.skillsStatus.map((one) => (
                  <li key={one.skillId} className="flex items-center justify-between gap-2">
                    <span className="cut min-w-0">
                      {one.found && /^\d+$/.test(one.skillId) ? (
                        <Way className="hover:underline" href={`/skills/${one.skillId}`}>
                          {one.name}
                        </Way>
                      ) : (
                        one.name || one.skillId
                      )}
                    </span>
                    <Badge tone={!one.found ? 'bad' : one.trusted ? 'good' : 'warn'}>
                      {!one.found ? words.notFound : one.trusted ? words.trusted : words.untrusted}
                    </Badge>
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </div>
    </Card>
  )
}

const Lines = ({ of }: { of: readonly string[] }) => (
  <ul className="mt-1 list-disc pl-5 text-dim">
    {of.map((line) => (
      <li key={line} className="[overflow-wrap:anywhere]">
        {line}
      </li>
    ))}
  </ul>
)
