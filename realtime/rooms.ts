/** Who is in which rooms, of this process's own: an event finds its way out without a look at anything else. */
export class Rooms<Member> {
  readonly #members = new Map<string, Set<Member>>()
  readonly #rooms = new Map<Member, ReadonlySet<string>>()

  /** From now on the member is in these and no others. */
  join(member: Member, rooms: ReadonlySet<string>): void {
    this.leave(member)
    this.#rooms.set(member, rooms)
    for (const room of rooms) {
      const members = this.#members.get(room)
      if (members) members.add(member)
      else this.#members.set(room, new Set([member]))
    }
  }

  /** Leaves all. */
  leave(member: Member): void {
    for (const room of this.#rooms.get(member) ?? []) {
      const members = this.#members.get(room)
      members?.delete(member)
      if (members?.size === 0) this.#members.delete(room)
    }
    this.#rooms.delete(member)
  }

  has(room: string): boolean {
    return this.#members.has(room)
  }

  membersOf(room: string): ReadonlySet<Member> {
    return this.#members.get(room) ?? new Set()
  }

  roomsOf(member: Member): ReadonlySet<string> {
    return this.#rooms.get(member) ?? new Set()
  }
}
