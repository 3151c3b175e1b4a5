/** What is used of a library that tells no types. */
declare module '@bcoe/v8-coverage' {
  export interface ScriptCov {
    readonly url: string
    readonly scriptId: string
    readonly functions: {
      readonly functionName: string
      readonly isBlockCoverage: boolean
      readonly ranges: { readonly startOffset: number; readonly endOffset: number; readonly count: number }[]
    }[]
  }
  /** The counts of each place, added up; undefined if there is nothing to add. */
  export function mergeScriptCovs(scripts: readonly ScriptCov[]): ScriptCov | undefined
}
