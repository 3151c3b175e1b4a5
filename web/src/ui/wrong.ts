/** What the server says is wrong with what was filled in, kept beside the fields that it means. */
import { useState } from 'react'
import { problemIn } from '../api.ts'
import { tellProblem } from './toast.tsx'

/**
 * `caught(error)` puts what is wrong into `wrong`, by the names of the fields as the
 * request has them; what belongs to no field of these is told as any other problem.
 */
export function useWrong<Name extends string>(
  ...names: readonly Name[]
): [wrong: Readonly<{ [name in Name]?: string }>, caught: (error?: unknown) => void] {
  const [wrong, setWrong] = useState<{ [name in Name]?: string }>(() => ({}))
  function caught(error?: unknown) {
    const { errors = [] } = error === undefined ? {} : problemIn(error)
    const found: { [name in Name]?: string } = {}
    for (const { pointer, message } of errors) {
      const name = names.find((one) => pointer.endsWith(`/${one}`))
      if (name !== undefined) found[name] = message
    }
    setWrong(found)
    if (error !== undefined && Object.keys(found).length === 0) tellProblem(error)
  }
  return [wrong, caught]
}
