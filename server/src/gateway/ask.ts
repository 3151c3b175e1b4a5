/** What stands behind a token of the gateway: which models it may ask, and who answers. */
import type { Answer, Message } from '../providers/provider.ts'

export interface Asked {
  readonly messages: readonly Message[]
  readonly temperature?: number
  readonly maxTokens?: number
  readonly seed?: number
}

export interface Answered extends Pick<Answer, 'text' | 'modelVersion' | 'finishReason' | 'usage'> {
  /** Names this answer. */
  readonly id: string
}

export interface Ask {
  /** As they are asked for, and listed. */
  readonly models: readonly string[]
  /** Where any model that the door knows may be asked: the names to list. */
  readonly list?: () => Promise<readonly string[]>
  /**
   * Pieces of the text are given as they come; an answer that was there already comes whole.
   * `signal` is aborted when nobody waits for it any more.
   * @throws TaskFailed what the provider's door says
   */
  answer(model: string, asked: Asked, piece: (text: string) => void, signal?: AbortSignal): Promise<Answered>
}

/** Why a token that is known may not ask. */
export interface Refused {
  readonly refused: { readonly status: number; readonly code: string; readonly message: string }
}
