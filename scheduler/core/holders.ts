// Bringing a member that waits for a piece together with somebody who has it. This is what wakes a waiter whose piece
// turned up where none of its neighbours is.

import { CANDIDATES } from './config.ts';
import type { Member } from './member.ts';
import { attach, mayBeNeighbours } from './neighbours.ts';
import type { Turn } from './turn.ts';

export function neighbourHolds(member: Member, piece: number): boolean {
  for (const neighbour of member.neighbours) if (neighbour.pieces.has(piece)) return true;
  return false;
}

/**
 * Makes a holder of the piece a neighbour, the best of those that were looked at, and returns it. `none`: nobody has it whom this member
 * may be told about, besides its neighbours. `later`: it has had its share of new neighbours.
 */
export function bringHolder(member: Member, piece: number, turn: Turn): Member | 'later' | 'none' {
  const { task } = member;
  const first = task.findHolder(piece, holder => mayBeNeighbours(member, holder, turn));
  if (first === undefined) return 'none';
  let best = first;
  if (task.holderCount(piece) > 1) {
    let highest = rank(first, member, turn);
    for (let i = 0; i < CANDIDATES; i++) {
      const other = task.members.pick(turn.random);
      if (!other?.pieces.has(piece) || other === best || !mayBeNeighbours(member, other, turn)) continue;
      const height = rank(other, member, turn);
      if (height > highest) {
        highest = height;
        best = other;
      }
    }
  }
  return attach(member, best, turn, 'any') ? best : 'later';
}

function rank(holder: Member, child: Member, turn: Turn): number {
  return holder.node.rankFor(child.node, 1, turn.now);
}
