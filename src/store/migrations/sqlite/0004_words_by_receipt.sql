-- A PBX's last word on an agent is the one received last.
CREATE INDEX events_of_agents_by_receipt ON events (workspace, agent, received_at_us) WHERE type = 'agent_state';
