// What applications do with the event store, through one of the clients that the
// maintainers of EventStoreDB publish for Node.js: the module CLIENT, connected to
// CONNECTION. Each needs a process of its own, because both register the same
// messages.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');

const library = require(process.env.CLIENT);
const {
  jsonEvent, binaryEvent, START, END, BACKWARDS, NO_STREAM, STREAM_EXISTS, ANY, PARK,
  eventTypeFilter, streamNameFilter, excludeSystemEvents,
  persistentSubscriptionToStreamSettingsFromDefaults: toStream, persistentSubscriptionToAllSettingsFromDefaults: toAll,
} = library;
const client = (library.KurrentDBClient ?? library.EventStoreDBClient).connectionString(process.env.CONNECTION);

const named = (prefix) => `${prefix}-${randomUUID()}`;
const numbered = (k, type = 'numbered') => jsonEvent({ type, data: { k }, metadata: { of: k } });
const numbers = (events) => events.map((e) => e.event.data.k);
// Newer and older releases call the expected revision by different names.
const expecting = (revision) => ({ expectedRevision: revision, streamState: revision });
const of = (type) => (error) => error.type === type || assert.fail(`${error.type}: ${error.message}`);
const all = async (events) => { const read = []; for await (const e of events) read.push(e); return read; };
const take = async (subscription, n, each = async () => {}) => {
  const taken = [];
  for await (const e of subscription) {
    await each(e, taken.length);
    if (taken.push(e) === n) break;
  }
  return taken;
};
const until = async (holds) => { while (!(await holds())) await new Promise((next) => setTimeout(next, 20)); };
const filled = async (stream, n) => { await client.appendToStream(stream, Array.from({ length: n }, (_, k) => numbered(k))); return stream; };
const it = (rule, run) => test(rule, { timeout: 60_000 }, run);

it('appends keep to the expected revision', async () => {
  const s = named('s');
  const first = await client.appendToStream(s, [numbered(0), numbered(1), numbered(2)], expecting(NO_STREAM));
  assert.equal(first.nextExpectedRevision, 2n);
  assert.ok(first.position.commit > 0n);
  await assert.rejects(client.appendToStream(s, numbered(3), expecting(NO_STREAM)), of('wrong-expected-version'));
  assert.equal((await client.appendToStream(s, numbered(3), expecting(2n))).nextExpectedRevision, 3n);
  await client.appendToStream(s, numbered(4), expecting(STREAM_EXISTS));
  await client.appendToStream(s, numbered(5), expecting(ANY));
  assert.deepEqual(numbers(await all(client.readStream(s))), [0, 1, 2, 3, 4, 5]);
});
it('an event that is sent twice is stored once', async () => {
  const s = named('s'), e = numbered(1);
  await client.appendToStream(s, e);
  await client.appendToStream(s, e);
  assert.equal((await all(client.readStream(s))).length, 1);
});
it('bytes and metadata come back as they were', async () => {
  const s = named('s');
  await client.appendToStream(s, binaryEvent({ type: 'bytes', data: Buffer.from([0, 1, 255]), metadata: Buffer.from([9]) }));
  await client.appendToStream(s, numbered(1));
  const [bytes, json] = await all(client.readStream(s));
  assert.deepEqual([...bytes.event.data], [0, 1, 255]);
  assert.deepEqual(json.event.metadata, { of: 1 });
  assert.ok(json.event.created instanceof Date);
});
it('streams are read from either end', async () => {
  const s = await filled(named('s'), 6);
  assert.deepEqual(numbers(await all(client.readStream(s, { direction: BACKWARDS, fromRevision: END, maxCount: 2 }))), [5, 4]);
  assert.deepEqual(numbers(await all(client.readStream(s, { fromRevision: 3n, maxCount: 2 }))), [3, 4]);
  await assert.rejects(all(client.readStream(named('none'))), of('stream-not-found'));
});
it('the whole log is read, and filtered', async () => {
  const s = await filled(named('s'), 6);
  assert.equal((await all(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 5 }))).length, 5);
  const filtered = await all(client.readAll({ filter: streamNameFilter({ prefixes: [s] }), maxCount: 1000 }));
  // The older client reads the log without asking for a filter.
  assert.equal(filtered.filter((e) => e.event.streamId === s).length, 6);
  if (library.KurrentDBClient) assert.equal(filtered.length, 6);
});
it('metadata limits what a stream shows', async () => {
  const s = named('s');
  assert.equal((await client.getStreamMetadata(s)).metadata, undefined);
  await client.setStreamMetadata(s, { maxCount: 2, mine: 'too' });
  await filled(s, 5);
  assert.deepEqual(numbers(await all(client.readStream(s))), [3, 4]);
  const { metadata } = await client.getStreamMetadata(s);
  assert.equal(Number(metadata.maxCount), 2);
  assert.equal(metadata.mine, 'too');
});
it('a subscription catches up and goes on live', async () => {
  const s = await filled(named('s'), 6);
  const taken = await take(client.subscribeToStream(s, { fromRevision: START }), 7, async (_, k) => { if (k === 5) await client.appendToStream(s, numbered(6)); });
  assert.deepEqual(numbers(taken), [0, 1, 2, 3, 4, 5, 6]);
});
it('a filtered subscription to the log sees its own events only', async () => {
  const type = named('type');
  await client.appendToStream(named('s'), numbered(1, type));
  const [e] = await take(client.subscribeToAll({ fromPosition: START, filter: eventTypeFilter({ prefixes: [type] }) }), 1);
  assert.equal(e.event.type, type);
  for (const { event } of await take(client.subscribeToAll({ fromPosition: START, filter: excludeSystemEvents() }), 5)) assert.ok(!event.type.startsWith('$'));
});
it('a deleted stream is gone and may begin anew, a tombstoned one never', async () => {
  const d = await filled(named('d'), 2), t = await filled(named('t'), 1);
  await client.deleteStream(d);
  await assert.rejects(all(client.readStream(d)), of('stream-not-found'));
  assert.equal((await client.appendToStream(d, numbered(2))).nextExpectedRevision, 2n);
  assert.deepEqual(numbers(await all(client.readStream(d))), [2]);
  await client.tombstoneStream(t);
  await assert.rejects(all(client.readStream(t)), of('stream-deleted'));
  await assert.rejects(client.appendToStream(t, numbered(1)), of('stream-deleted'));
});
it('a link is followed', async () => {
  const s = await filled(named('s'), 1), l = named('l');
  await client.appendToStream(l, binaryEvent({ type: '$>', data: Buffer.from(`0@${s}`) }));
  assert.deepEqual(numbers(await all(client.readStream(l, { resolveLinkTos: true }))), [0]);
});
it('a persistent subscription parks, replays and is managed', async () => {
  const s = await filled(named('s'), 5), group = 'group';
  await client.createPersistentSubscriptionToStream(s, group, toStream({ startFrom: START }));
  await assert.rejects(client.createPersistentSubscriptionToStream(s, group, toStream()), of('persistent-subscription-exists'));
  const settled = async () => {
    const { stats } = await client.getPersistentSubscriptionToStreamInfo(s, group);
    return Number(stats.parkedMessageCount) === 1 && Number(stats.totalInFlightMessages) === 0;
  };
  const first = client.subscribeToPersistentSubscriptionToStream(s, group);
  await take(first, 5, (e, k) => (k === 2 ? first.nack(PARK, 'not this one', e) : first.ack(e)));
  await until(settled);
  await client.replayParkedMessagesToStream(s, group);
  // Whoever stops listening without unsubscribing is still connected.
  const again = await take(first, 1, (e) => first.ack(e)).catch(() => []);
  if (again.length === 0) {
    await first.unsubscribe().catch(() => {});
    const second = client.subscribeToPersistentSubscriptionToStream(s, group);
    again.push(...await take(second, 1, (e) => second.ack(e)));
  }
  assert.deepEqual(numbers(again), [2]);
  await client.updatePersistentSubscriptionToStream(s, group, toStream({ maxRetryCount: 7 }));
  assert.equal((await client.getPersistentSubscriptionToStreamInfo(s, group)).settings.maxRetryCount, 7);
  assert.equal((await client.listPersistentSubscriptionsToStream(s)).length, 1);
  await client.deletePersistentSubscriptionToStream(s, group);
  await assert.rejects(client.getPersistentSubscriptionToStreamInfo(s, group), of('persistent-subscription-does-not-exist'));
});
it('a persistent subscription to the log is filtered', async () => {
  const type = named('type'), group = named('group');
  await client.appendToStream(named('s'), numbered(1, type));
  await client.createPersistentSubscriptionToAll(group, toAll({ startFrom: START }), { filter: eventTypeFilter({ prefixes: [type] }) });
  const subscription = client.subscribeToPersistentSubscriptionToAll(group);
  const [e] = await take(subscription, 1, (got) => subscription.ack(got));
  assert.equal(e.event.type, type);
  await client.deletePersistentSubscriptionToAll(group);
});
it('what the store does not have is refused', async () => {
  await assert.rejects(client.listProjections());
});
test.after(() => client.dispose());
