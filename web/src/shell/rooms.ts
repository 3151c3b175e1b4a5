/**
 * The rooms of the console, in the order of the navigation.  A room that has pages
 * stands here with one entry; what has none yet is not shown.  Its pages load on need.
 */
import type { LucideIcon } from 'lucide-react'
import type { ComponentType, LazyExoticComponent } from 'react'
import type { Me } from './me.ts'
import type { PageOf } from './pages.ts'
import { definitions } from '../definitions/room.ts'
import { diagnosis } from '../diagnosis/room.ts'
import { board, skills } from '../board/room.ts'
import { home } from '../home/room.ts'
import { compare } from '../results/room.ts'
import { runs } from '../runs/room.ts'
import { system } from '../system/room.ts'
import { tools } from '../tools/room.ts'
import { settings } from '../settings/room.ts'

/** Something that was found by its name, and the way there. */
export interface Found {
  readonly name: string
  readonly href: string
  readonly remark?: string
}

export interface Room {
  readonly name: string
  /** Where it begins; its pages are below. */
  readonly path: string
  readonly icon: LucideIcon
  /** `g`, then this key, goes there. */
  readonly key: string
  /** Who sees it in the navigation; everybody, if left out. */
  readonly may?: (me: Me) => boolean
  /** wouter's patterns, the more exact first. */
  readonly pages: readonly { readonly path: string; readonly page: PageOf }[]
  /** What the palette finds here by a text. */
  readonly find?: (text: string) => Promise<readonly Found[]>
  /** A card on Home of what waits here for the person; nothing where nothing waits. */
  readonly waits?: LazyExoticComponent<ComponentType>
}

export const rooms: readonly Room[] = [
  home,
  runs,
  definitions,
  compare,
  board,
  skills,
  diagnosis,
  tools,
  system,
  settings,
]
